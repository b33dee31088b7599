"""Initial weights: a whitened first layer, or those of a trained model with other classes, image or patch size."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vit import checkpoint, models
from vit.config import ModelConfig
from vit.data.augment import normalize
from vit.model import VisionTransformer
from vit.training.batches import RunData

WHITENING_IMAGES = 2000  # more give the same filters
WHITENING_EPS = 0.01  # variance added to each direction, so that noise isn't amplified
WHITENING_STD = 0.3  # standard deviation of the layer's outputs at the start


@dataclass
class TransferReport:
    """What became of each tensor: names, so that a person can check."""

    loaded: list[str] = field(default_factory=list)
    resized: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        noted = {"resized": self.resized, "new": self.new}
        parts = [f"{word}: {', '.join(names)}" for word, names in noted.items() if names]
        return "; ".join([f"{len(self.loaded)} tensors loaded", *parts])


def start_from(network: VisionTransformer, model: str, classes: tuple[str, ...]) -> TransferReport:
    """Fill a network with a checkpoint's weights where they fit, resizing positions and patch kernels.

    Args:
        network: Freshly initialized; what the checkpoint can't give stays as it is.
        model: Which checkpoint.
        classes: Of the new data; the old head is kept only if they are the same.

    Raises:
        CheckpointError: If the encoders differ in shape; every difference is named.
    """
    tensors, info = checkpoint.load(model)
    models.check_encoder(network.config, info.model, model)
    weights, filled, report = checkpoint.model_weights(tensors), dict(network.state_dict()), TransferReport()
    grid, old_grid = network.config.grid_size, info.model.grid_size
    has_moved = (grid, network.config.num_prefix_tokens) != (old_grid, info.model.num_prefix_tokens)
    for name, own in filled.items():
        old = None if name.startswith("head.") and info.classes != classes else weights.get(name)
        if old is not None and name == "pos_embed" and has_moved:
            report.resized.append(f"{name} {old_grid}x{old_grid} to {grid}x{grid}")
            filled[name] = resize_positions(old, info.model, network.config).to(own)
        elif old is not None and name == "patch_embed.proj.weight" and old.shape != own.shape:
            report.resized.append(f"{name} {old.shape[-1]} px to {own.shape[-1]} px")
            filled[name] = resize_patches(old, own.shape[-1]).to(own)
        elif old is None or old.shape != own.shape:
            report.new.append(name)
        else:
            report.loaded.append(name)
            filled[name] = old
    checkpoint.load_weights(network, filled)
    return report


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


@torch.no_grad()
def whiten(network: VisionTransformer, data: RunData) -> None:
    """Initialize the first layer with a whitening of pixels instead of noise.

    Its filters become the principal directions of patches of the training images, strongest first, scaled to equal
    variance, each once as it is and once negated (Jordan 2024, airbench, arXiv:2404.00498, where the layer stays
    fixed; here it is trained). Filters beyond the number of directions keep their random initialization.
    """
    weight = first_layer(network).weight  # (C', C, k, k)
    filters = whitening_filters(data, weight.shape[-1])[: len(weight) // 2]
    pairs = torch.cat([filters, -filters]) * WHITENING_STD
    weight[: len(pairs)] = pairs.view(-1, *weight.shape[1:])


def first_layer(network: VisionTransformer) -> nn.Conv2d:
    """The convolution that reads the pixels: the stem's first, or the patch projection."""
    return next(module for module in network.patch_embed.modules() if isinstance(module, nn.Conv2d))


def whitening_filters(data: RunData, side: int) -> Tensor:
    """Linear filters of k x k patches with uncorrelated outputs of variance near 1: (C k k, C k k), strongest first."""
    images = normalize(data.train.images[:WHITENING_IMAGES], data.mean, data.std)
    patches = F.unfold(images, side, stride=side).transpose(1, 2).flatten(0, 1)  # (n, C k k)
    values, directions = torch.linalg.eigh(torch.cov(patches.T))
    return (directions / (values + WHITENING_EPS).sqrt()).T.flip(0)
