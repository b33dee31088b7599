"""One forward pass in the open: everything that explanations read, as plain tensors and without hooks."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

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


def trace(model: VisionTransformer, inputs: Tensor) -> Trace:
    """Run a model through its explicit attention and keep what it computed.

    The model is only read: no hook, no gradient, no random number, no change of mode. It computes in the weights' own
    precision, also under autocast, so that a map doesn't depend on who asks for it.

    Args:
        model: In eval mode. Training mode is refused rather than switched off, because another thread may be using it.
        inputs: Normalised pictures (B, C, H, W) on the model's device.

    Raises:
        ValueError: If a part of the model is in training mode, where dropout would make the answer a matter of chance.
    """
    if any(module.training for module in model.modules()):
        raise ValueError("trace needs a model in eval mode; call model.eval() first")
    with torch.no_grad(), torch.autocast(inputs.device.type, enabled=False):
        residuals, attention, values = _walk(model, inputs)
        logits = model.forward_head(model.norm(residuals[-1]))
    config = model.config
    return Trace(
        logits=logits,
        attention=torch.stack(attention),
        values=torch.stack(values),
        residuals=torch.stack(residuals),
        num_prefix_tokens=config.num_prefix_tokens,
        grid_size=config.grid_size,
        pool=config.pool,
    )


def _walk(model: VisionTransformer, inputs: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Residuals, attention and values, layer by layer, as ``Block.forward`` computes them in eval mode."""
    residuals, attention, values = [model.embed(inputs)], [], []
    for block in model.blocks:
        output, weights, value = block.attn.explicit(block.norm1(residuals[-1]))
        x = residuals[-1] + output
        residuals.append(x + block.mlp(block.norm2(x)))
        attention.append(weights)
        values.append(value)
    return residuals, attention, values
