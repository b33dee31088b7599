"""Starting from a trained model: other classes, another image or patch size."""

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from vit import checkpoint, models
from vit.config import InitConfig, ModelConfig
from vit.model import VisionTransformer
from vit.models import ModelInfo


@dataclass
class TransferReport:
    """What became of each tensor: names, so that a person can check."""

    loaded: list[str] = field(default_factory=list)
    resized: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f"{len(self.loaded)} tensors loaded"]
        parts += [
            f"{word}: {', '.join(names)}" for word, names in (("resized", self.resized), ("new", self.new)) if names
        ]
        return "; ".join(parts)


def start_from(network: VisionTransformer, init: InitConfig, classes: tuple[str, ...]) -> TransferReport:
    """Fill a network with a checkpoint's weights where they fit, resizing positions and patch kernels.

    Args:
        network: Freshly initialised; what the checkpoint can't give stays as it is.
        init: Which checkpoint.
        classes: Of the new data; the old head is kept only if they are the same.

    Raises:
        CheckpointError: If the encoders differ in shape; every difference is named.
    """
    tensors, info = checkpoint.load(init.checkpoint)
    models.check_encoder(network.config, info.model, init.checkpoint)
    weights, report = checkpoint.model_weights(tensors), TransferReport()
    filled = {
        name: _fit(name, own, weights, network.config, info, classes, report)
        for name, own in network.state_dict().items()
    }
    checkpoint.load_weights(network, filled)
    return report


def _fit(
    name: str, own: Tensor, weights: dict[str, Tensor], config: ModelConfig, info: ModelInfo, classes, report
) -> Tensor:
    """The tensor to use under a name, noted in the report."""
    old = weights.get(name)
    if name.startswith("head.") and info.classes != classes:
        old = None
    if old is None:
        report.new.append(name)
        return own
    if name == "pos_embed" and _needs_resize(config, info.model):
        report.resized.append(
            f"{name} {info.model.grid_size}x{info.model.grid_size} to {config.grid_size}x{config.grid_size}"
        )
        return resize_positions(old, info.model, config).to(own)
    if name == "patch_embed.proj.weight" and old.shape != own.shape:
        report.resized.append(f"{name} {old.shape[-1]} px to {own.shape[-1]} px")
        return resize_patches(old, own.shape[-1]).to(own)
    if old.shape != own.shape:
        report.new.append(name)
        return own
    report.loaded.append(name)
    return old


def _needs_resize(new: ModelConfig, old: ModelConfig) -> bool:
    return (new.grid_size, new.num_prefix_tokens) != (old.grid_size, old.num_prefix_tokens)


def resize_positions(positions: Tensor, old: ModelConfig, new: ModelConfig) -> Tensor:
    """Interpolate position embeddings to another grid, bicubic and antialiased: (1, N, D) -> (1, N', D).

    Prefix tokens keep theirs, as in the fine-tuning of the ViT paper (section 3.2); added ones start at zero.
    """
    prefix, grid = positions[:, : old.num_prefix_tokens], positions[:, old.num_prefix_tokens :]
    grid = grid.transpose(1, 2).unflatten(2, (old.grid_size, old.grid_size))  # (1, D, g, g)
    size = (new.grid_size, new.grid_size)
    grid = F.interpolate(grid.float(), size=size, mode="bicubic", antialias=True, align_corners=False)
    prefix = F.pad(prefix, (0, 0, 0, max(0, new.num_prefix_tokens - old.num_prefix_tokens)))
    return torch.cat([prefix[:, : new.num_prefix_tokens], grid.flatten(2).transpose(1, 2)], dim=1)


def resize_patches(kernels: Tensor, side: int) -> Tensor:
    """Resize patch kernels so that resized patches give the same tokens: (D, C, P, P) -> (D, C, P', P').

    Pseudo-inverse of the bilinear resize (FlexiViT, Beyer et al. 2022, arXiv:2212.08013, equation 5).
    """
    old = kernels.shape[-1]
    basis = torch.eye(old * old).view(old * old, 1, old, old)
    resize = F.interpolate(basis, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    matrix = resize.view(old * old, side * side)  # row i: what pixel i becomes
    return (kernels.float().flatten(2) @ torch.linalg.pinv(matrix).mT).unflatten(2, (side, side))
