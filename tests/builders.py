"""Small real models and checkpoints for tests."""

from pathlib import Path

import torch

from vit import checkpoint
from vit.config import ModelConfig, RunConfig
from vit.model import VisionTransformer
from vit.models import ModelInfo

TINY = {"image_size": 8, "patch_size": 2, "embed_dim": 16, "depth": 2, "num_heads": 2, "num_classes": 3}
CLASSES = ("cat", "dog", "ship")


def vision_transformer(seed: int = 0, **config) -> VisionTransformer:
    """A model in eval mode whose weights are large, as after training.

    At initialization attention is nearly uniform, and nearly every mistake goes unseen.
    """
    model = VisionTransformer(ModelConfig(**{**TINY, **config})).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(std=0.5, generator=generator)
            if "norm" in name and name.endswith("weight"):
                weight.add_(1)
    return model


def random_inputs(model: VisionTransformer, count: int = 3, seed: int = 1) -> torch.Tensor:
    """Normalized random inputs of a model's shape, (B, C, H, W)."""
    config = model.config
    shape = (count, config.in_channels, config.image_size, config.image_size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def model_info(model: VisionTransformer, classes: tuple[str, ...] = CLASSES) -> ModelInfo:
    """A description of a model that no run has trained."""
    channels = model.config.in_channels
    return ModelInfo(
        run=RunConfig(model=model.config),
        classes=classes,
        mean=(0.5, 0.4, 0.3)[:channels],
        std=(0.2, 0.25, 0.3)[:channels],
        data={"name": "test"},
        step=7,
        epoch=0.5,
        metrics={"val_accuracy": 0.5},
        environment={"torch": torch.__version__},
    )


def saved_checkpoint(path: Path, model: VisionTransformer | None = None) -> Path:
    """Write a model's weights as a checkpoint file."""
    model = model or vision_transformer()
    checkpoint.save(path, prefixed(model), model_info(model))
    return path


def prefixed(model: VisionTransformer, prefix: str = "model.") -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in model.state_dict().items()}
