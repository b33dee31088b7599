"""One forward pass in the open: everything that explanations read, as plain tensors and without hooks."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vit.explain.walk import Changes, check_ready, read_out, walk
from vit.model import VisionTransformer


@dataclass(frozen=True)
class Trace:
    """What a model computed for a batch. Shapes: L layers, B pictures, h heads, N tokens, d head_dim, D embed_dim.

    Attributes:
        logits: (B, K).
        attention: (L, B, h, N, N); row i says how token i spreads its attention, and sums to 1.
        values: (L, B, h, N, d), what attention mixes.
        residuals: (L + 1, B, N, D), the tokens before the first block and after each one.
        num_prefix_tokens: Class token and registers, which come before the patches.
        grid_size: g, patches along one side.
        pool: What the head reads: "cls" or "mean".
    """

    logits: Tensor
    attention: Tensor
    values: Tensor
    residuals: Tensor
    num_prefix_tokens: int
    grid_size: int
    pool: str

    @property
    def depth(self) -> int:
        return self.attention.shape[0]

    @property
    def num_heads(self) -> int:
        return self.attention.shape[2]

    @property
    def num_tokens(self) -> int:
        return self.attention.shape[-1]

    def cpu(self) -> "Trace":
        """The same trace in main memory, ready for drawing."""
        tensors = {name: value.cpu() for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **tensors)


def trace(
    model: VisionTransformer,
    inputs: Tensor,
    *,
    head_scale: Tensor | None = None,
    block_scale: Tensor | None = None,
    key_mask: Tensor | None = None,
) -> Trace:
    """Run a model through its explicit attention and keep what it computed.

    The model is only read: no hook, no gradient, no random number, no change of mode. It computes in the weights' own
    precision, also under autocast, so that a map doesn't depend on who asks for it.

    Args:
        model: In eval mode. Training mode is refused rather than switched off, because another thread may be using it.
        inputs: Normalised pictures (B, C, H, W) on the model's device.
        head_scale: (L, h) or (B, L, h), multiplies each head's output before the projection; 0 switches it off.
        block_scale: (L, 2) or (B, L, 2), multiplies what attention (0) and MLP (1) of each block add.
        key_mask: (B, N), tokens that exist; the others are as if removed, and their own rows mean nothing.

    Raises:
        VitError: If a part of the model is in training mode, or the inputs aren't pictures of its size.
    """
    check_ready(model, inputs)
    changes = Changes(head_scale=_batched(head_scale), block_scale=_batched(block_scale), key_mask=key_mask)
    with torch.no_grad(), torch.autocast(inputs.device.type, enabled=False):
        tokens = model.embed(inputs)
        steps = list(walk(model, tokens, changes))
        logits = read_out(model, steps[-1].tokens, key_mask)
    config = model.config
    return Trace(
        logits=logits,
        attention=torch.stack([step.attention for step in steps]),
        values=torch.stack([step.values for step in steps]),
        residuals=torch.stack([tokens, *(step.tokens for step in steps)]),
        num_prefix_tokens=config.num_prefix_tokens,
        grid_size=config.grid_size,
        pool=config.pool,
    )


def _batched(scale: Tensor | None) -> Tensor | None:
    """(L, ...) -> (1, L, ...), the same for all pictures."""
    return scale[None] if scale is not None and scale.ndim == 2 else scale
