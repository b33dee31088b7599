"""Maps from taking patches away and asking the model again.

Three meanings of "without a patch": its token is dropped ("token"; exact, the model never knows that there was one),
its token's content becomes the picture's mean content ("mean"), or its pixels become the training data's mean colour
("pixels"; a grey square is a picture, too, and may mean something to a model).
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from vit.errors import VitError
from vit.explain.target import Target, logit
from vit.explain.walk import NOTHING, Changes, answer, check_ready
from vit.model import VisionTransformer

REMOVALS = ("token", "mean", "pixels")
SIZE_CLASSES = 4  # sequences are computed together with those of like length
ATTENTION_NUMBERS = 2**20  # attention weights computed at a time; bounds memory, and stays near what a cache holds


def answers(model: VisionTransformer, inputs: Tensor, kept: Tensor, without: str = "token") -> Tensor:
    """Logits for pictures of which only some patches are kept.

    Args:
        model: In eval mode.
        inputs: (B, C, H, W).
        kept: bool (B, M, P), or (1, M, P) for the same M choices for every picture; P patches in reading order.
        without: What becomes of the others: "token", "mean" or "pixels".

    Returns:
        (B, M, K).

    Raises:
        VitError: If the model or the inputs aren't fit, or there is no such removal.
    """
    check_ready(model, inputs)
    if without not in REMOVALS:
        raise VitError(f"there is no removal called {without!r}; use {', '.join(REMOVALS)}")
    with torch.no_grad(), torch.autocast(inputs.device.type, enabled=False):
        rows = [_answer(model, picture[None], masks, without) for picture, masks in _paired(inputs, kept)]
    return torch.stack(rows)


def _paired(inputs: Tensor, kept: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(inputs, kept.expand(len(inputs), -1, -1), strict=True)


def _answer(model: VisionTransformer, picture: Tensor, masks: Tensor, without: str) -> Tensor:
    """One picture (1, C, H, W) under masks (M, P): (M, K).

    The same choice is asked about once, and choices of like size together, so that dropped tokens cost nothing.
    """
    tokens = model.embed(picture)
    distinct, place = masks.unique(dim=0, return_inverse=True)
    by_size = distinct.sum(1).argsort()
    parts = _parts(distinct[by_size], rows_at_a_time(model))
    logits = torch.cat([answer(model, *_removed(model, picture, tokens, part, without)) for part in parts])
    return logits[by_size.argsort()[place]]


def _parts(masks: Tensor, most: int) -> list[Tensor]:
    """Cut masks (M, P), sorted by size, where they cross a quarter of the patches, and at ``most`` of them."""
    quarters = (masks.sum(1) * SIZE_CLASSES).div(masks.shape[1] + 1, rounding_mode="floor")
    counts = quarters.unique_consecutive(return_counts=True)[1].tolist()
    return [part for size in masks.split(counts) for part in size.split(most)]


def rows_at_a_time(model: VisionTransformer) -> int:
    """How many sequences fit into one pass."""
    return max(1, ATTENTION_NUMBERS // (model.config.num_heads * model.config.num_tokens**2))


def _removed(model: VisionTransformer, picture: Tensor, tokens: Tensor, masks: Tensor, without: str):
    """Tokens (M, n, D) before the first block, and the changes under which they are seen."""
    if without == "token":
        return _packed(tokens[0], _exist(model, masks))
    if without == "mean":
        return _mean_content(model, tokens, masks), NOTHING
    side, grid = model.config.patch_size, model.config.grid_size
    pixels = masks.view(-1, 1, grid, grid).repeat_interleave(side, 2).repeat_interleave(side, 3)
    return model.embed(picture * pixels), NOTHING


def _exist(model: VisionTransformer, masks: Tensor) -> Tensor:
    """Prefix tokens always exist: (M, P) -> (M, N)."""
    return torch.nn.functional.pad(masks, (model.config.num_prefix_tokens, 0), value=True)


def _packed(tokens: Tensor, exist: Tensor) -> tuple[Tensor, Changes]:
    """The tokens (N, D) that exist (M, N), moved together: sequences as long as the longest needs, gaps masked."""
    longest = max(1, int(exist.sum(1).max()))
    first = exist.long().argsort(dim=1, descending=True, stable=True)[:, :longest]  # (M, n)
    return tokens[first], Changes(key_mask=exist.gather(1, first))


def _mean_content(model: VisionTransformer, tokens: Tensor, masks: Tensor) -> Tensor:
    """The place stays, what is there becomes the mean of all patches."""
    prefix = model.config.num_prefix_tokens
    places = 0 if model.pos_embed is None else model.pos_embed[:, prefix:]
    content = tokens[:, prefix:] - places
    patches = torch.where(masks[..., None], content, content.mean(1, keepdim=True)) + places
    return torch.cat([tokens[:, :prefix].expand(len(masks), -1, -1), patches], dim=1)


def occlusion(model: VisionTransformer, inputs: Tensor, target: Target, without: str = "token") -> Tensor:
    """By how much the target's logit falls without each patch (Zeiler & Fergus 2013, arXiv:1311.2901): (B, g, g).

    Negative where a patch speaks against the target.

    Raises:
        VitError: As ``answers``, or if there is no such class or the answer isn't a number.
    """
    patches, grid = model.config.num_patches, model.config.grid_size
    each_alone = ~torch.eye(patches, dtype=torch.bool, device=inputs.device)
    whole = torch.ones(1, patches, dtype=torch.bool, device=inputs.device)
    scores = logit(answers(model, inputs, torch.cat([whole, each_alone])[None], without), target)  # (B, 1 + P)
    return (scores[:, :1] - scores[:, 1:]).unflatten(1, (grid, grid))


def rise(
    model: VisionTransformer, inputs: Tensor, target: Target, masks: Tensor | None = None, without: str = "token"
) -> Tensor:
    """RISE (Petsiuk et al. 2018, arXiv:1806.07421): mean logit where a patch was kept, over random choices.

    The mean over all choices is taken away, so that 0 says: this patch makes no difference. (B, g, g).

    Args:
        model: In eval mode.
        inputs: (B, C, H, W).
        target: What to explain.
        masks: bool (M, P), patches kept; None is ``rise_masks``. A patch that no mask keeps gets 0.
        without: As in ``answers``.

    Raises:
        VitError: As ``occlusion``.
    """
    patches, grid = model.config.num_patches, model.config.grid_size
    masks = (rise_masks(patches) if masks is None else masks).to(inputs.device)
    scores = logit(answers(model, inputs, masks[None], without), target)  # (B, M)
    scores = scores - scores.mean(1, keepdim=True)
    return (scores @ masks.to(scores.dtype) / masks.sum(0).clamp_min(1)).unflatten(1, (grid, grid))


def rise_masks(patches: int, count: int = 256, seed: int = 0) -> Tensor:
    """Random halves of the patches, each followed by the other half, so that every patch is kept equally often.

    bool (count, P).
    """
    draws = torch.rand(count // 2, patches, generator=torch.Generator().manual_seed(seed)) < 0.5
    return torch.stack([draws, ~draws], dim=1).flatten(0, 1)
