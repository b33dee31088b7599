"""Switching parts of a model off, and watching the answer."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vit.explain.perturbation import answers, rows_at_a_time
from vit.explain.scores import first_patches
from vit.explain.target import Target, logit, wins
from vit.explain.trace import Changes, answer, blocks, check_ready, trace, walk
from vit.model import VisionTransformer

Measure = Callable[[Tensor, Target], Tensor]  # target.logit or target.probability
BATCH_SIZE = 64


def knock_out_each_head(model: VisionTransformer, inputs: Tensor, target: Target, measure: Measure = logit) -> Tensor:
    """How the target's measure changes if one head is switched off: (B, L, h), negative where it misses the head."""
    seen = trace(model, inputs)
    without = _without_each_head(model, seen.residuals)  # (B, L, h, K)
    return measure(without, target) - measure(seen.logits, target)[:, None, None]


def _without_each_head(model: VisionTransformer, residuals: Tensor) -> Tensor:
    """Logits without each head, each computed from the residual before its own layer: (B, L, h, K)."""
    config = model.config
    each_off = 1 - torch.eye(config.num_heads).to(residuals)
    rows = []
    with torch.no_grad(), torch.autocast(residuals.device.type, enabled=False):
        for layer in range(config.depth):
            scale = torch.ones(config.num_heads, config.depth, config.num_heads).to(residuals)
            scale[:, layer] = each_off
            rows.append(torch.stack([_resumed(model, tokens, scale, layer) for tokens in residuals[layer]]))
    return torch.stack(rows, dim=1)


def _resumed(model: VisionTransformer, tokens: Tensor, scale: Tensor, layer: int) -> Tensor:
    """One image's tokens (N, D) through the rest of the model under every scale (M, L, h): (M, K)."""
    parts = scale.split(rows_at_a_time(model))
    return torch.cat([answer(model, tokens.expand(len(s), -1, -1), Changes(head_scale=s), layer) for s in parts])


@dataclass(frozen=True)
class Leaderboard:
    """What each head is worth, (L, h), NaN where it was cancelled."""

    accuracy: float  # of the whole model
    lost: Tensor  # accuracy lost without a head
    margin: Tensor  # half of the 95 % interval of ``lost``, as far as the choice of images goes
    images: int  # how many were looked at


def leaderboard(
    model: VisionTransformer,
    images: Tensor,
    labels: Tensor,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Leaderboard:
    """How much accuracy each head is worth.

    A head is switched off by giving its mean over these images instead of its output, token by token. Zero would be
    an answer that later layers have never seen.

    Args:
        images: Normalized, (n, C, H, W).
        labels: (n,).
        progress: Told (done, total) heads.
        cancelled: Asked before each head; True ends the work.
    """
    depth, heads = model.config.depth, model.config.num_heads
    whole, mean = _right(model, images, labels, Changes()), means(model, images).heads
    lost, margin = torch.full((2, depth, heads), torch.nan)
    for done in range(depth * heads):
        if cancelled():
            break
        layer, head = divmod(done, heads)
        scale = torch.ones(1, depth, heads).to(images)
        scale[:, layer, head] = 0
        without = _right(model, images, labels, Changes(head_scale=scale, head_fill=mean))
        lost[layer, head] = (whole.sum() - without.sum()) / len(images)
        margin[layer, head] = _margin(int((whole & ~without).sum()), int((without & ~whole).sum()), len(images))
        progress(done + 1, depth * heads)
    return Leaderboard(float(whole.sum()) / len(images), lost, margin, len(images))


def _margin(lost: int, won: int, count: int) -> float:
    """Half of the 95 % interval of a difference of two accuracies on the same images.

    Of ``count`` images, ``lost`` are right only before and ``won`` only after. Wald's interval with half an image more
    in each of the four cells (Agresti & Min 2005), so that it isn't empty where no image changes.
    """
    changed, difference, count = lost + won + 1, lost - won, count + 2
    return 1.96 * math.sqrt(changed - difference**2 / count) / count


@dataclass(frozen=True)
class Means:
    """What parts give on average over some images: ``heads`` (L, h, N, d), and ``branches`` (L, 2, N, D), what
    attention (0) and MLP (1) of each block add."""

    heads: Tensor
    branches: Tensor


def means(model: VisionTransformer, images: Tensor) -> Means:
    """Means over images (n, C, H, W), token by token; what a part is replaced by in mean ablation."""
    check_ready(model, images)
    with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
        sums = [_sums(model, model.embed(batch)) for batch in images.split(BATCH_SIZE)]
    heads, branches = (torch.stack(parts).sum(0) / len(images) for parts in zip(*sums, strict=True))
    return Means(heads, branches)


def _sums(model: VisionTransformer, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Sums over a batch of tokens (B, N, D) of what heads and branches give."""
    heads, branches = [], []
    for block, step in zip(blocks(model), walk(model, tokens), strict=True):
        attention = block.attn.project(step.heads)
        heads.append(step.heads.sum(0))
        branches.append(torch.stack([attention.sum(0), (step.tokens - tokens - attention).sum(0)]))
        tokens = step.tokens
    return torch.stack(heads), torch.stack(branches)


def ablate(model: VisionTransformer, inputs: Tensor, changes: Changes) -> Tensor:
    """Logits (B, K) for images (B, C, H, W) under changes."""
    check_ready(model, inputs)
    with torch.no_grad(), torch.autocast(inputs.device.type, enabled=False):
        return answer(model, model.embed(inputs), changes)


def _right(model: VisionTransformer, images: Tensor, labels: Tensor, changes: Changes) -> Tensor:
    """Which images are classified right, bool (n,)."""
    pairs = zip(images.split(BATCH_SIZE), labels.split(BATCH_SIZE), strict=True)
    return torch.cat([wins(ablate(model, batch, changes), truth) for batch, truth in pairs])


def smallest_keeping(model: VisionTransformer, inputs: Tensor, target: Target, order: Tensor) -> list[int | None]:
    """How many of the first patches of an order are enough for the target to win, per image; None if none do.

    Args:
        target: A class that should be the answer, or a contrast whose ``a`` should beat ``b``.
        order: (B, P), patches from most to least important, such as ``scores.ranked`` of a map.
    """
    kept = first_patches(order, torch.arange(order.shape[1] + 1))
    return _first_true(wins(answers(model, inputs, kept), target))


def smallest_flipping(model: VisionTransformer, inputs: Tensor, target: Target, order: Tensor) -> list[int | None]:
    """How many of the first patches of an order have to go for the target to lose, per image; None if it never does.

    Arguments are those of ``smallest_keeping``.
    """
    dropped = first_patches(order, torch.arange(order.shape[1] + 1))
    return _first_true(~wins(answers(model, inputs, ~dropped), target))


def _first_true(found: Tensor) -> list[int | None]:
    """The first place that is true in each row of bool (B, Q)."""
    places = found.long().argmax(1).tolist()
    return [place if row[place] else None for place, row in zip(places, found.tolist(), strict=True)]
