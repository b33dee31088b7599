"""Changing an image patch by patch and asking the model again: dropped, edited, shuffled.

"Without a patch" means that its token is dropped, as if the model had never had it: a gray square would be content,
too, and may mean something to a model.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vit.errors import VitError
from vit.explain.target import Target, logit
from vit.explain.trace import NOTHING, Changes, answer, check_ready
from vit.model import VisionTransformer

EDITS = ("paint", "blur", "shuffle")
SIZE_CLASSES = 4  # sequences are computed together with those of like length
ATTENTION_NUMBERS = 2**20  # attention weights computed at a time; bounds memory, and stays near what a cache holds


def answers(model: VisionTransformer, inputs: Tensor, kept: Tensor) -> Tensor:
    """Logits for images of which only some patches are kept.

    Args:
        kept: bool (B, M, P), or (1, M, P) for the same M choices for every image; P patches in reading order.

    Returns:
        (B, M, K).
    """
    check_ready(model, inputs)
    with torch.no_grad(), torch.autocast(inputs.device.type, enabled=False):
        pairs = zip(model.embed(inputs), kept.expand(len(inputs), -1, -1), strict=True)
        return torch.stack([_answer(model, tokens, masks) for tokens, masks in pairs])


def _answer(model: VisionTransformer, tokens: Tensor, masks: Tensor) -> Tensor:
    """One image's tokens (N, D) under masks (M, P): (M, K).

    The same choice is asked about once, and choices of like size together, so that dropped tokens cost nothing.
    """
    distinct, place = masks.unique(dim=0, return_inverse=True)
    by_size = distinct.sum(1).argsort()
    parts = _parts(distinct[by_size], rows_at_a_time(model))
    logits = torch.cat([answer(model, *_packed(model, tokens, part)) for part in parts])
    return logits[by_size.argsort()[place]]


def _parts(masks: Tensor, most: int) -> list[Tensor]:
    """Cut masks (M, P), sorted by size, where they cross a quarter of the patches, and at ``most`` of them."""
    quarters = (masks.sum(1) * SIZE_CLASSES).div(masks.shape[1] + 1, rounding_mode="floor")
    counts = quarters.unique_consecutive(return_counts=True)[1].tolist()
    return [part for size in masks.split(counts) for part in size.split(most)]


def rows_at_a_time(model: VisionTransformer) -> int:
    """How many sequences fit into one pass."""
    return max(1, ATTENTION_NUMBERS // (model.config.num_heads * model.config.num_tokens**2))


def _packed(model: VisionTransformer, tokens: Tensor, masks: Tensor) -> tuple[Tensor, Changes]:
    """The tokens (N, D) that masks (M, P) keep, moved together: sequences as long as the longest needs, gaps masked."""
    exist = F.pad(masks, (len(tokens) - masks.shape[1], 0), value=True)  # (M, N); prefix tokens always exist
    longest = max(1, int(exist.sum(1).max()))
    first = exist.long().argsort(dim=1, descending=True, stable=True)[:, :longest]  # (M, n)
    rotation = None if model.rotation is None else model.rotation[first][:, None]
    return tokens[first], Changes(key_mask=exist.gather(1, first), rotation=rotation)


def occlusion(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    """By how much the target's logit falls without each patch (Zeiler & Fergus 2013, arXiv:1311.2901): (B, g, g).

    Negative where a patch speaks against the target.
    """
    patches, grid = model.config.num_patches, model.config.grid_size
    each_alone = ~torch.eye(patches, dtype=torch.bool, device=inputs.device)
    whole = torch.ones(1, patches, dtype=torch.bool, device=inputs.device)
    scores = logit(answers(model, inputs, torch.cat([whole, each_alone])[None]), target)  # (B, 1 + P)
    return (scores[:, :1] - scores[:, 1:]).unflatten(1, (grid, grid))


def rise(model: VisionTransformer, inputs: Tensor, target: Target, masks: Tensor | None = None) -> Tensor:
    """RISE (Petsiuk et al. 2018, arXiv:1806.07421): mean logit where a patch was kept, over random choices.

    The mean over all choices is taken away, so that 0 says: this patch makes no difference. (B, g, g).

    Args:
        masks: bool (M, P), patches kept; None is ``rise_masks``. A patch that no mask keeps gets 0.
    """
    patches, grid = model.config.num_patches, model.config.grid_size
    masks = (rise_masks(patches) if masks is None else masks).to(inputs.device)
    scores = logit(answers(model, inputs, masks[None]), target)  # (B, M)
    scores = scores - scores.mean(1, keepdim=True)
    return (scores @ masks.to(scores.dtype) / masks.sum(0).clamp_min(1)).unflatten(1, (grid, grid))


def rise_masks(patches: int, count: int = 256, seed: int = 0) -> Tensor:
    """Random halves of the patches, each followed by the other half, so that every patch is kept equally often.

    bool (count, P).
    """
    draws = torch.rand(count // 2, patches, generator=torch.Generator().manual_seed(seed)) < 0.5
    return torch.stack([draws, ~draws], dim=1).flatten(0, 1)


def edited(inputs: Tensor, chosen: Tensor, edit: str, seed: int = 0) -> Tensor:
    """Change the chosen patches of images and leave the rest alone: (B, C, H, W).

    Args:
        chosen: bool (g, g).
        edit: "paint" them in the training data's mean color, "blur" them by the mean over its surroundings, or
            "shuffle" them among themselves; of two that is a swap.
        seed: Of the shuffle.

    Raises:
        VitError: If there is no such edit.
    """
    if edit not in EDITS:
        raise VitError(f"there is no edit called {edit!r}; use {', '.join(EDITS)}")
    side = inputs.shape[-1] // len(chosen)
    if edit == "shuffle":
        patches = F.unfold(inputs, side, stride=side)  # (B, C * side * side, P)
        return F.fold(_shuffled(patches, chosen.flatten(), seed), inputs.shape[-2:], side, stride=side)
    if edit == "paint":
        changed = torch.zeros_like(inputs)
    else:  # the mean over a square of about two patches around each pixel
        changed = F.avg_pool2d(F.pad(inputs, [side] * 4, mode="replicate"), 2 * side + 1, stride=1)
    return torch.where(chosen.repeat_interleave(side, 0).repeat_interleave(side, 1).to(inputs.device), changed, inputs)


def _shuffled(patches: Tensor, chosen: Tensor, seed: int) -> Tensor:
    """Patches (B, ..., P) with the chosen ones in another order, none of them at its old place if there are two."""
    places = chosen.nonzero().flatten()
    order = places[torch.randperm(len(places), generator=torch.Generator().manual_seed(seed))]
    result = patches.clone()
    result[..., order] = patches[..., order.roll(1)]
    return result


@dataclass(frozen=True)
class Shuffled:
    """Probabilities (B, K) before and after the patches' contents changed places, with and without positions."""

    before: Tensor
    after: Tensor
    before_without: Tensor
    after_without: Tensor
    order: Tensor  # (P,), which patch's content lies at each place


def shuffle_contents(model: VisionTransformer, inputs: Tensor, seed: int = 0) -> Shuffled:
    """Let all patches' contents change places behind the patch embedding, while the places stay.

    Attention has no notion of order: without position embeddings nothing but the sum's rounding may change. (A
    convolutional stem looks across patches, so shuffling pixels would be another experiment.)
    """
    check_ready(model, inputs)
    prefix = model.config.num_prefix_tokens
    with torch.no_grad(), torch.autocast(inputs.device.type, enabled=False):
        tokens = model.embed(inputs)
        places = torch.zeros_like(tokens[:1]) if model.pos_embed is None else model.pos_embed.expand_as(tokens[:1])
        content, placeless = tokens - places, Changes(rotation=None if model.rotation is None else model.rotation[:1])
        order = torch.randperm(model.config.num_patches, generator=torch.Generator().manual_seed(seed))
        mixed = torch.cat([content[:, :prefix], content[:, prefix + order.to(content.device)]], dim=1)
        each = ((tokens, NOTHING), (mixed + places, NOTHING), (content, placeless), (mixed, placeless))
        return Shuffled(*(answer(model, *variant).softmax(-1) for variant in each), order=order)
