"""Changing some patches of a picture, and what a model makes of their order."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vit.errors import VitError
from vit.explain.walk import answer, check_ready
from vit.model import VisionTransformer

EDITS = ("paint", "blur", "shuffle")


def edited(inputs: Tensor, chosen: Tensor, edit: str, seed: int = 0) -> Tensor:
    """Change the chosen patches of pictures and leave the rest alone.

    Args:
        inputs: Normalised pictures (B, C, H, W).
        chosen: bool (g, g).
        edit: "paint" them in the training data's mean colour, "blur" them by the mean over a patch's surroundings, or
            "shuffle" them among themselves; of two that is a swap.
        seed: Of the shuffle.

    Returns:
        (B, C, H, W).

    Raises:
        VitError: If there is no such edit.
    """
    if edit not in EDITS:
        raise VitError(f"there is no edit called {edit!r}; use {', '.join(EDITS)}")
    side = inputs.shape[-1] // len(chosen)
    if edit == "shuffle":
        return fold(_shuffled(unfold(inputs, side), chosen.flatten(), seed), side)
    changed = torch.zeros_like(inputs) if edit == "paint" else _blurred(inputs, side)
    return torch.where(chosen.repeat_interleave(side, 0).repeat_interleave(side, 1).to(inputs.device), changed, inputs)


def _blurred(inputs: Tensor, side: int) -> Tensor:
    """The mean over a square of about two patches around each pixel."""
    reach = max(1, side)
    padded = F.pad(inputs, [reach] * 4, mode="replicate")
    return F.avg_pool2d(padded, 2 * reach + 1, stride=1)


def _shuffled(patches: Tensor, chosen: Tensor, seed: int) -> Tensor:
    """Patches (B, P, ...) with the chosen ones in another order, none of them at its old place if there are two."""
    places = chosen.nonzero().flatten()
    order = places[torch.randperm(len(places), generator=torch.Generator().manual_seed(seed))]
    result = patches.clone()
    result[:, order] = patches[:, order.roll(1)]
    return result


def unfold(inputs: Tensor, side: int) -> Tensor:
    """Pictures to patches in reading order: (B, C, H, W) -> (B, P, C, side, side)."""
    rows = inputs.unflatten(2, (-1, side)).unflatten(4, (-1, side))  # (B, C, g, side, g, side)
    return rows.permute(0, 2, 4, 1, 3, 5).flatten(1, 2)


def fold(patches: Tensor, side: int) -> Tensor:
    """The inverse of ``unfold``."""
    grid = int(patches.shape[1] ** 0.5)
    return patches.unflatten(1, (grid, grid)).permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)


@dataclass(frozen=True)
class Shuffled:
    """Probabilities (B, K) before and after the patches' contents changed places, with and without positions."""

    before: Tensor
    after: Tensor
    before_without: Tensor
    after_without: Tensor


def shuffle_contents(model: VisionTransformer, inputs: Tensor, seed: int = 0) -> Shuffled:
    """Let all patches' contents change places behind the patch embedding, while the places stay.

    Attention has no notion of order: without position embeddings nothing but the sum's rounding may change. (A
    convolutional stem looks across patches, so shuffling pixels would be another experiment.)

    Raises:
        VitError: If the model or the inputs aren't fit.
    """
    check_ready(model, inputs)
    prefix = model.config.num_prefix_tokens
    with torch.no_grad(), torch.autocast(inputs.device.type, enabled=False):
        tokens = model.embed(inputs)
        places = torch.zeros_like(tokens[:1]) if model.pos_embed is None else model.pos_embed.expand_as(tokens[:1])
        content = tokens - places
        order = torch.randperm(model.config.num_patches, generator=torch.Generator().manual_seed(seed)) + prefix
        mixed = torch.cat([content[:, :prefix], content[:, order.to(content.device)]], dim=1)
        each = (tokens, mixed + places, content, mixed)
        return Shuffled(*(answer(model, variant).softmax(-1) for variant in each))
