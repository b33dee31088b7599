"""Patch embedding, opened: the numbers that the projection gets, its filters, and what the convolution gives."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vit.explain.trace import check_ready
from vit.model import VisionTransformer


@dataclass(frozen=True)
class Projection:
    """The projection at work on one image. C' channels and s pixels a patch are those behind the stem, if there is one.

    Attributes:
        seen: (C', g·s, g·s), what the projection gets: the normalized image, or the stem's feature maps.
        filters: (D, C', s, s), one filter for each number of a token.
        bias: (D,).
        convolved: (D, g, g), the strided convolution in float64, whose rounding is out of sight.
        tokens: (N, D), what the model itself computes, in its own precision.
    """

    seen: Tensor
    filters: Tensor
    bias: Tensor
    convolved: Tensor
    tokens: Tensor

    def patches(self) -> Tensor:
        """What the projection gets, cut and flattened as the filters are: (N, s²·C')."""
        return F.unfold(self.seen[None], self.filters.shape[-1], stride=self.filters.shape[-1])[0].T


def projection(model: VisionTransformer, image: Tensor) -> Projection:
    """What the patch embedding computes for one normalized image, (1, C, H, W).

    Raises:
        VitError: If a part of the model is in training mode, or the image doesn't have its input size.
    """
    check_ready(model, image)
    layer = model.patch_embed
    with torch.no_grad(), torch.autocast(image.device.type, enabled=False):
        seen = layer.stem(image.contiguous(memory_format=layer.memory_format))
        weight, bias = layer.proj.weight.detach(), layer.proj.bias.detach()  # type: ignore[union-attr]
        convolved = F.conv2d(seen.double(), weight.double(), bias.double(), stride=layer.proj.stride)
        tokens = layer(image)
    return Projection(*(part.cpu() for part in (seen[0], weight, bias, convolved[0], tokens[0])))
