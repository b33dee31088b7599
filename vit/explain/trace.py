"""The encoder step by step, with every part open to be read, scaled or replaced; no hooks.

All explanations compute through here, so that what they explain is the same computation as the model's own
(``Block.forward`` in eval mode, attention written out).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor

from vit.errors import VitError
from vit.model import Block, VisionTransformer


@dataclass(frozen=True)
class Changes:
    """What is changed in a model while it computes. None leaves that part alone. B may be 1, the same for all images.

    Attributes:
        head_scale: (B, L, h), multiplies a head's output before the projection; 0 switches it off.
        head_fill: (L, h, N, d), what takes the place of the share that ``head_scale`` takes away; None is zeros.
        block_scale: (B, L, 2), multiplies what attention (0) and MLP (1) of a block add to the residual.
        block_fill: (L, 2, N, D), what takes the place of the share that ``block_scale`` takes away; None is zeros.
        key_mask: (B, N), tokens that exist; False is exactly as if removed from the sequence.
        rotation: (B, 1, N, d/2, 2), where tokens with rotary positions are; None leaves each at its place.
    """

    head_scale: Tensor | None = None
    head_fill: Tensor | None = None
    block_scale: Tensor | None = None
    block_fill: Tensor | None = None
    key_mask: Tensor | None = None
    rotation: Tensor | None = None


NOTHING = Changes()


@dataclass(frozen=True)
class Step:
    """One block at work: ``normed`` is attention's input and ``tokens`` the residual after the block, both (B, N, D).

    ``attention`` (B, h, N, N), ``values`` (B, h, N, d), ``heads`` (B, h, N, d) as the projection gets them.
    """

    normed: Tensor
    attention: Tensor
    values: Tensor
    heads: Tensor
    tokens: Tensor


def blocks(model: VisionTransformer) -> list[Block]:
    """The encoder's blocks, with the type that ``nn.Sequential`` doesn't keep."""
    return cast(list[Block], list(model.blocks))


def walk(model: VisionTransformer, tokens: Tensor, changes: Changes = NOTHING, first: int = 0) -> Iterator[Step]:
    """Take tokens (B, N, D) through the blocks, from the block numbered ``first``."""
    rotation = model.rotation if changes.rotation is None else changes.rotation
    for layer, block in enumerate(blocks(model)[first:], first):
        normed = block.norm1(tokens)
        attention, values = block.attn.explicit(normed, changes.key_mask, rotation)
        heads = _scaled(attention @ values, changes.head_scale, changes.head_fill, layer)
        x = tokens + _scaled(block.attn.project(heads), changes.block_scale, changes.block_fill, layer, 0)
        tokens = x + _scaled(block.mlp(block.norm2(x)), changes.block_scale, changes.block_fill, layer, 1)
        yield Step(normed, attention, values, heads, tokens)


def _scaled(part: Tensor, scale: Tensor | None, fill: Tensor | None, *place: int) -> Tensor:
    """What heads or a branch give, scaled and filled as ``Changes`` say for their place: layer, or layer and branch."""
    if scale is None:
        return part
    scale = scale[:, *place, ..., None, None]
    return scale * part + (0 if fill is None else (1 - scale) * fill[place])


def read_out(model: VisionTransformer, tokens: Tensor, key_mask: Tensor | None = None) -> Tensor:
    """What the head makes of tokens (B, N, D) after the last block: logits (B, K).

    A mean-pooling model averages the patches that exist. Where none does it reads zeros, and says what its biases say.
    """
    if key_mask is None or model.config.pool == "cls":
        return model.forward_head(model.norm(tokens))
    prefix = model.config.num_prefix_tokens
    exist = key_mask[:, prefix:, None]
    pooled = torch.where(exist, tokens[:, prefix:], 0).sum(1) / exist.sum(1).clamp_min(1)
    return model.head(model.fc_norm(pooled))


def answer(model: VisionTransformer, tokens: Tensor, changes: Changes = NOTHING, first: int = 0) -> Tensor:
    """Logits (B, K) from tokens (B, N, D) before the block numbered ``first``; keeps nothing on the way."""
    for step in walk(model, tokens, changes, first):
        tokens = step.tokens
    return read_out(model, tokens, changes.key_mask)


@dataclass(frozen=True)
class Trace:
    """What a model computed for a batch. Shapes: L layers, B images, h heads, N tokens, d head_dim, D embed_dim."""

    logits: Tensor  # (B, K)
    features: Tensor  # (B, D), what the head makes the logits from
    attention: Tensor  # (L, B, h, N, N); row i says how token i spreads its attention, and sums to 1
    values: Tensor  # (L, B, h, N, d), what attention mixes
    residuals: Tensor  # (L + 1, B, N, D), the tokens before the first block and after each one
    num_prefix_tokens: int  # class token and registers, which come before the patches
    grid_size: int  # g, patches along one side
    pool: str  # what the head reads: "cls" or "mean"

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
        return replace(self, **{name: value.cpu() for name, value in vars(self).items() if isinstance(value, Tensor)})


def trace(model: VisionTransformer, images: Tensor) -> Trace:
    """Run a model through its explicit attention and keep what it computed.

    The model is only read: no hook, no gradient, no random number, no change of mode. It computes in the weights' own
    precision, also under autocast, so that a map doesn't depend on who asks for it.

    Args:
        model: In eval mode. Training mode is refused rather than switched off, because another thread may be using it.
        images: Normalized (B, C, H, W) on the model's device.

    Raises:
        VitError: If a part of the model is in training mode, or the images don't have its input size.
    """
    check_ready(model, images)
    with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
        tokens = model.embed(images)
        steps = list(walk(model, tokens))
        features = model.forward_head(model.norm(steps[-1].tokens), pre_logits=True)
        logits = model.head(features)
    config = model.config
    return Trace(
        logits=logits,
        features=features,
        attention=torch.stack([step.attention for step in steps]),
        values=torch.stack([step.values for step in steps]),
        residuals=torch.stack([tokens, *(step.tokens for step in steps)]),
        num_prefix_tokens=config.num_prefix_tokens,
        grid_size=config.grid_size,
        pool=config.pool,
    )


def check_ready(model: VisionTransformer, inputs: Tensor) -> None:
    """Refuse inputs that aren't of the model's size, and training mode, where dropout makes the answer chance."""
    if any(module.training for module in model.modules()):
        raise VitError("explanations need a model in eval mode; call model.eval() first")
    config = model.config
    expected = (config.in_channels, config.image_size, config.image_size)
    if inputs.ndim != 4 or len(inputs) == 0 or tuple(inputs.shape[1:]) != expected:
        raise VitError(
            f"the inputs have shape {tuple(inputs.shape)}; this model sees (B, {', '.join(map(str, expected))})"
        )


def check_index(what: str, index: int, count: int) -> None:
    """Refuse a layer, head or class that the model doesn't have; a negative number doesn't count from the end."""
    plural = f"{what}es" if what.endswith("s") else f"{what}s"
    if not 0 <= index < count:
        raise VitError(f"there is no {what} {index}: this model's {plural} are numbered 0 to {count - 1}")
