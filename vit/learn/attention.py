"""Self-attention, opened: queries, keys and values of a layer, from which each weight can be computed by hand."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vit.explain.trace import Trace, blocks, check_index
from vit.model import VisionTransformer


@dataclass(frozen=True)
class Heads:
    """What the heads of one layer compute for one image. N counts class token and registers, too."""

    query: Tensor  # (h, N, d)
    key: Tensor  # (h, N, d)
    value: Tensor  # (h, N, d)

    def weights(self) -> Tensor:
        """softmax(Q K^T / sqrt(d)), one row a query: (h, N, N)."""
        scores = self.query @ self.key.transpose(-2, -1) / self.query.shape[-1] ** 0.5
        return scores.softmax(-1)

    def mixed(self) -> Tensor:
        """The weighted sums of the values: (h, N, d)."""
        return self.weights() @ self.value


def heads_of(model: VisionTransformer, trace: Trace, layer: int) -> Heads:
    """Queries, keys and values of a layer, for the first image of a trace.

    Args:
        model: On the trace's device, in eval mode.
        trace: Of this model.
        layer: Counted from 0.

    Raises:
        VitError: If there is no such layer.
    """
    check_index("layer", layer, trace.depth)
    block = blocks(model)[layer]
    with torch.no_grad():
        parts = block.attn.heads(block.norm1(trace.residuals[layer, :1]), rotation=model.rotation)  # each (1, h, N, d)
    return Heads(*(part[0] for part in parts))
