"""RandAugment and color jitter on float batches, every operation for all images at once.

RandAugment (Cubuk et al. 2019, https://arxiv.org/abs/1909.13719) draws two operations per image. The operations
fall into five families, each one formula in which "not chosen" is a parameter that changes nothing; so there is no
loop over images and nothing waits for a device. (torchvision's take one strength for the whole batch.) Equalize is left
out; its histogram has no such formula.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

OPERATIONS = (
    "identity",
    "rotate",  # up to 30 degrees
    "shear_x",  # up to 0.3
    "shear_y",
    "translate_x",  # up to 0.3 of the side
    "translate_y",
    "brightness",  # factor 0.1 to 1.9
    "saturation",
    "contrast",
    "sharpness",
    "posterize",  # 8 to 4 bits
    "solarize",  # invert what is brighter than 1 to 0
    "autocontrast",
)
GRAY = (0.299, 0.587, 0.114)  # ITU-R BT.601


def rand_augment(images: Tensor, magnitude: int, uniform: Tensor) -> Tensor:
    """Apply two random operations to each image.

    Args:
        images: float32 (B, C, H, W) in 0..1.
        magnitude: 1 to 10; 10 reaches the limits beside ``OPERATIONS``.
        uniform: Numbers in [0, 1), (B, 4): operation and direction, twice.
    """
    for round_ in range(2):
        kind = (uniform[:, 2 * round_] * len(OPERATIONS)).long()
        sign = (uniform[:, 2 * round_ + 1] < 0.5).float() * 2 - 1
        images = _operate(images, kind, magnitude / 10 * sign)
    return images


def color_jitter(images: Tensor, strength: float, uniform: Tensor) -> Tensor:
    """Scale brightness, contrast and saturation by random factors within 1 +- ``strength``.

    Args:
        images: float32 (B, C, H, W) in 0..1.
        strength: 0 to 1.
        uniform: Numbers in [0, 1), (B, 3).
    """
    factors = 1 + strength * (2 * uniform - 1)
    images = (images * column(factors[:, 0])).clamp_(0, 1)
    images = _blend(_mean_gray(images), images, column(factors[:, 1]))
    return _blend(_gray(images), images, column(factors[:, 2]))


def column(values: Tensor) -> Tensor:
    """(B,) as (B, 1, 1, 1), to meet images."""
    return values.view(-1, 1, 1, 1)


def _operate(images: Tensor, kind: Tensor, strength: Tensor) -> Tensor:
    """One operation per image: ``kind`` (B,) indexes ``OPERATIONS``, ``strength`` (B,) lies in -1..1."""

    def chosen(name: str) -> Tensor:
        return kind == OPERATIONS.index(name)

    images = _warp(images, strength, chosen)
    images = _enhance(images, strength, chosen)
    images = torch.where(column(chosen("autocontrast")), _stretch(images), images)
    images = torch.where(column(chosen("posterize")), _posterize(images, strength.abs()), images)
    threshold = column(torch.where(chosen("solarize"), 1 - strength.abs(), 2.0))
    return torch.where(images >= threshold, 1 - images, images)


def _warp(images: Tensor, strength: Tensor, chosen) -> Tensor:
    """Rotate, shear or translate: one affine map per image, reflecting at the border."""
    angle = torch.where(chosen("rotate"), strength * torch.pi / 6, 0.0)
    shear_x, shear_y = (torch.where(chosen(f"shear_{axis}"), 0.3 * strength, 0.0) for axis in "xy")
    move_x, move_y = (torch.where(chosen(f"translate_{axis}"), 0.6 * strength, 0.0) for axis in "xy")
    top = torch.stack([angle.cos(), -angle.sin() + shear_x, move_x], 1)
    bottom = torch.stack([angle.sin() + shear_y, angle.cos(), move_y], 1)
    theta = torch.stack([top, bottom], 1)  # (B, 2, 3), on coordinates -1..1
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    warped = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    moved = (theta - torch.eye(2, 3, device=theta.device)).abs().amax((1, 2)) > 0
    return torch.where(column(moved), warped, images)  # untouched images keep their bits


def _enhance(images: Tensor, strength: Tensor, chosen) -> Tensor:
    """Brightness, saturation, contrast, sharpness: away from or towards a duller version of the image."""
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    dull = torch.where(column(chosen("saturation")), _gray(images), torch.zeros_like(images))
    dull = torch.where(column(chosen("contrast")), _mean_gray(images), dull)
    dull = torch.where(column(chosen("sharpness")), blurred, dull)
    names = ("brightness", "saturation", "contrast", "sharpness")
    touched = torch.stack([chosen(name) for name in names]).any(0)
    return torch.where(column(touched), _blend(dull, images, column(1 + 0.9 * strength)), images)


def _blend(dull: Tensor, images: Tensor, factor: Tensor) -> Tensor:
    return torch.lerp(dull.expand_as(images), images, factor).clamp_(0, 1)


def _gray(images: Tensor) -> Tensor:
    """Luminance, (B, 1, H, W)."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.split(1, dim=1)
    return GRAY[0] * red + GRAY[1] * green + GRAY[2] * blue  # numbers, because a tensor of them would have to travel


def _mean_gray(images: Tensor) -> Tensor:
    return _gray(images).mean((1, 2, 3), keepdim=True)


def _stretch(images: Tensor) -> Tensor:
    """Each channel over the full range 0..1; a flat channel stays."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    return torch.where(high > low, (images - low) / (high - low).clamp_min(1e-6), images)


def _posterize(images: Tensor, strength: Tensor) -> Tensor:
    """Keep the upper 8 to 4 bits of every value."""
    quantum = column(2 ** (4 * strength).round())
    return torch.floor(images * 255 / quantum) * quantum / 255
