"""One pass of a model over many images."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from vit import checkpoint
from vit.config import TrainConfig
from vit.data.augment import normalize
from vit.errors import CheckpointError
from vit.evaluation import unusual
from vit.evaluation.predictions import Predictions
from vit.evaluation.split import PlacedSplit
from vit.evaluation.unusual import Seen
from vit.images import to_array
from vit.jobs import Progress
from vit.model import VisionTransformer
from vit.models import ModelInfo
from vit.predict import Predictor
from vit.training.batches import to_channels
from vit.training.device import setup

BATCH_SIZE = 250  # images; larger ones aren't faster on a CPU


@dataclass(frozen=True)
class Forward:
    """A network that is only read, on its device, with what it needs to know of its input."""

    network: VisionTransformer
    info: ModelInfo
    device: torch.device

    @classmethod
    def load(cls, model: str) -> "Forward":
        """Load a model onto the fastest device, and let torch use all cores.

        Raises:
            CheckpointError: If there is no such model or its file is damaged.
        """
        device, _ = setup(TrainConfig())
        network, info = checkpoint.load_with_info(model)
        return cls(network.to(device).requires_grad_(False), info, device)

    def __call__(
        self, images: Tensor, progress: Progress | None = None, message: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        """Logits (N, K) and the features that the head reads (N, D) of uint8 images (N, 3, H, W).

        Raises:
            CheckpointError: If the model answers NaN or infinity.
        """
        mean, std = (torch.tensor(values, device=self.device) for values in (self.info.mean, self.info.std))
        images, logits, features = to_channels(images, self.info.model.in_channels), [], []
        with torch.inference_mode():
            for batch in images.split(BATCH_SIZE):
                tokens = self.network.forward_features(normalize(batch.to(self.device), mean, std))
                features.append(self.network.forward_head(tokens, pre_logits=True).float().cpu())
                logits.append(self.network.head(features[-1].to(self.device)).float().cpu())
                if progress:
                    progress(sum(map(len, logits)), len(images), message)
        return _finite(torch.cat(logits)), _finite(torch.cat(features))

    def predict(self, split: PlacedSplit, progress: Progress | None = None) -> Predictions:
        """What the model says of a split."""
        logits, features = self(split.images, progress, "predicting")
        return Predictions(logits, features, split.labels.numpy(), split.places.numpy())

    def seen(self, images: Tensor, features: np.ndarray) -> Seen:
        """What a detector needs of images whose features are known."""
        return Seen(features, unusual.figures(to_channels(images, self.info.model.in_channels).numpy()))


class Mirrored(nn.Module):
    """A network whose logits (B, K) are the mean of those of each image (B, C, H, W) and of its mirror image."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return (self.network(images) + self.network(images.flip(-1))) / 2


def _finite(values: Tensor) -> np.ndarray:
    if not values.isfinite().all():
        raise CheckpointError("this model's weights have grown so large that it answers NaN or infinity")
    return values.numpy()


def ask(predictor: Predictor, images: list[Image.Image], features: Tensor | None = None) -> tuple[np.ndarray, Seen]:
    """Logits (N, K) of images of any size, such as uploads, and what a detector needs of them.

    Args:
        features: What the head reads of them (N, D), where a trace has it already.
    """
    model, seen = predictor.model, [predictor.see(image) for image in images]
    with torch.inference_mode():
        if features is None:
            features = model.forward_head(model.forward_features(predictor.inputs(seen)), pre_logits=True)
        logits = model.head(features.to(predictor.device))
    pixels = np.stack([to_array(image, predictor.info.model.in_channels) for image in seen])
    return logits.float().cpu().numpy(), Seen(features.float().cpu().numpy(), unusual.figures(pixels))
