"""Mixup and CutMix: blending or patching pairs of pictures together with their labels, a whole batch at a time."""

import random
from typing import Protocol

import torch
from torch import Tensor


class Settings(Protocol):
    """What ``vit.config.AugmentConfig`` provides."""

    mixup_alpha: float
    cutmix_alpha: float


def mix(
    images: Tensor, labels: Tensor, num_classes: int, settings: Settings, *, seed: int, step: int
) -> tuple[Tensor, Tensor]:
    """Blend (mixup, arXiv:1710.09412) or patch (CutMix, arXiv:1905.04899) each picture with its neighbour in the batch.

    Where both are on, a coin decides per batch; where both are off, only the labels change form.

    Args:
        images: float32 (B, C, H, W).
        labels: int64 (B,).
        num_classes: K.
        settings: The strengths, parameters of a symmetric Beta distribution.
        seed: Seed of the run.
        step: Optimizer step.

    Returns:
        Mixed images (B, C, H, W) and soft targets (B, K), whose rows sum to 1.
    """
    targets = (labels[:, None] == torch.arange(num_classes, device=labels.device)).float()  # one_hot would look at them
    ways = [way for way, alpha in ((_blend, settings.mixup_alpha), (_patch, settings.cutmix_alpha)) if alpha]
    if not ways:
        return images, targets
    coin = random.Random(f"mix {seed} {step}")  # seeded by SHA-512 of the text: the same everywhere
    way = coin.choice(ways)
    alpha = settings.mixup_alpha if way is _blend else settings.cutmix_alpha
    images, weight = way(images, images.roll(1, 0), coin.betavariate(alpha, alpha), coin)
    return images, torch.lerp(targets.roll(1, 0), targets, weight)


def _blend(images: Tensor, others: Tensor, weight: float, coin: random.Random) -> tuple[Tensor, float]:
    return torch.lerp(others, images, weight), weight


def _patch(images: Tensor, others: Tensor, weight: float, coin: random.Random) -> tuple[Tensor, float]:
    """Paste one rectangle of area 1 - weight; where the border cuts it, the weight follows the pixels."""
    H, W = images.shape[-2:]
    side = (1 - weight) ** 0.5
    top, bottom = _span(H, side, coin)
    left, right = _span(W, side, coin)
    patched = images.clone()
    patched[..., top:bottom, left:right] = others[..., top:bottom, left:right]
    return patched, 1 - (bottom - top) * (right - left) / (H * W)


def _span(size: int, share: float, coin: random.Random) -> tuple[int, int]:
    """A stretch of ``share`` of ``size`` pixels around a random centre, cut at the border."""
    centre, half = coin.random() * size, share * size / 2
    return max(0, round(centre - half)), min(size, round(centre + half))
