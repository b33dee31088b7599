"""A first layer that sees decorrelated pixels from its first step on, taken from the training pictures."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vit.data.augment import normalise
from vit.model import VisionTransformer
from vit.training.batches import RunData

SAMPLE = 2000  # pictures; more give the same filters
SMALLEST = 0.01  # variance added to each direction, so that noise isn't blown up
SCALE = 0.3  # standard deviation of the layer's outputs at the start


@torch.no_grad()
def whiten(network: VisionTransformer, data: RunData) -> None:
    """Let the first layer begin as a whitening of pixels instead of noise.

    Its filters become the principal directions of patches of the training pictures, strongest first, scaled to equal
    variance, each once as it is and once negated (Jordan 2024, airbench, arXiv:2404.00498, where the layer stays
    fixed; here it goes on learning). Filters there are no directions for keep their random start.
    """
    weight = first_layer(network).weight  # (C', C, k, k)
    filters = whitening_filters(data, weight.shape[-1])[: len(weight) // 2]
    pairs = torch.cat([filters, -filters]) * SCALE
    weight[: len(pairs)] = pairs.view(-1, *weight.shape[1:])


def first_layer(network: VisionTransformer) -> nn.Conv2d:
    """The convolution that reads the pixels: the stem's first, or the patch projection."""
    return next(module for module in network.patch_embed.modules() if isinstance(module, nn.Conv2d))


def whitening_filters(data: RunData, side: int) -> Tensor:
    """Linear filters of k x k patches with uncorrelated outputs of variance near 1: (C k k, C k k), strongest first."""
    images = normalise(data.train.images[:SAMPLE], data.mean, data.std)
    patches = F.unfold(images, side, stride=side).transpose(1, 2).flatten(0, 1)  # (n, C k k)
    values, directions = torch.linalg.eigh(torch.cov(patches.T))
    return (directions / (values + SMALLEST).sqrt()).T.flip(0)
