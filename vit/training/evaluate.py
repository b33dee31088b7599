"""Loss and accuracy of a model over a split."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vit.data.augment import normalise
from vit.training import team

BATCH_SIZE = 500


def predict_logits(network: nn.Module, images: Tensor, mean: Tensor, std: Tensor, precision: str = "fp32") -> Tensor:
    """Logits of uint8 images (n, C, H, W) in batches: (n, K) float32. The network's mode is left as it was."""
    was_training, device = network.training, mean.device
    network.eval()
    with torch.inference_mode(), autocast(device.type, precision):
        batches = images.split(BATCH_SIZE)
        logits = torch.cat([network(normalise(batch.to(device), mean, std)).float() for batch in batches])
    network.train(was_training)
    return logits


def evaluate(network: nn.Module, images: Tensor, labels: Tensor, mean: Tensor, std: Tensor, precision: str) -> dict:
    """Mean cross-entropy and accuracy (0..1) over a split: {"loss", "accuracy", "images"}."""
    logits = predict_logits(network, images, mean, std, precision)
    labels = labels.to(logits.device)
    correct = (logits.argmax(1) == labels).sum().item()
    loss = F.cross_entropy(logits, labels).item()
    return {"loss": loss, "accuracy": correct / len(labels), "images": len(labels)}


def evaluate_together(network: nn.Module, images: Tensor, labels: Tensor, *constants) -> dict:
    """The same figures, where each process of a team looks at its share; ``constants`` as for ``evaluate``."""
    if len(labels) < team.size():
        return evaluate(network, images, labels, *constants)
    figures = evaluate(network, team.share(images), team.share(labels), *constants)
    parts = torch.tensor([figures["loss"], figures["accuracy"]], dtype=torch.float64)
    loss, accuracy = team.mean(parts, figures["images"]).tolist()
    return {"loss": loss, "accuracy": accuracy, "images": len(labels)}


def autocast(device: str, precision: str) -> AbstractContextManager:
    """bfloat16 for matrix products where asked for; weights stay float32."""
    return torch.autocast(device, torch.bfloat16) if precision == "bf16" else nullcontext()
