"""What training makes of one image: draws through a recipe of augmentation, and mixtures with other images."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vit.config import AugmentConfig
from vit.data import catalog
from vit.data.augment import augment, mix

NUM_DRAWS, NUM_PARTNERS = 24, 6
MIX_SEED = 585  # with its weights, mixtures show much and little of an image
NUM_MEASURED = 200  # images whose mean is the color of erased rectangles; training measures all of them
NUM_SEARCHED = 60  # images among which partners of other classes are looked for
SHOWN_ALPHA = 1.0  # of a way to mix that the recipe doesn't use


@dataclass(frozen=True)
class Mixture:
    """An image mixed with another one; ``share`` is what is left of its own label."""

    image: Image.Image
    partner: str  # the other image's class
    share: float


@dataclass(frozen=True)
class Variations:
    """One image as training sees it."""

    original: catalog.Sample
    draws: tuple[Image.Image, ...]  # in the order of epochs
    mixup: tuple[Mixture, ...]
    cutmix: tuple[Mixture, ...]


def of_image(source: str, index: int, image_size: int, in_channels: int, settings: AugmentConfig) -> Variations:
    """Put a training image through a recipe.

    Args:
        source: Name of the data set.
        index: Place of the image in train.
        image_size: Side in pixels of the model's input.
        in_channels: 3, or 1 for gray.
        settings: The recipe. A way to mix that is off in it is shown with alpha ``SHOWN_ALPHA``.

    Raises:
        DataError: If there is no such data set or image.
    """
    sample = catalog.load_images(source, "train", [index], image_size)[0]
    found = catalog.samples(source, "train", NUM_MEASURED, image_size=image_size)
    colors = _colors(_pixels(found, in_channels))
    others = _partners(sample, found)
    pixels = _pixels([sample], in_channels)
    draws = tuple(_image(_varied(pixels, [index], settings, colors, epoch)[0], colors) for epoch in range(NUM_DRAWS))
    mixtures = (_mixtures(sample, others, in_channels, alone, colors) for alone in ways(settings))
    return Variations(sample, draws, *mixtures)


def ways(settings: AugmentConfig) -> tuple[AugmentConfig, AugmentConfig]:
    """The recipe with mixup alone, and with CutMix alone."""
    mixup, cutmix = settings.mixup_alpha or SHOWN_ALPHA, settings.cutmix_alpha or SHOWN_ALPHA
    return (
        settings.model_copy(update={"mixup_alpha": mixup, "cutmix_alpha": 0.0}),
        settings.model_copy(update={"mixup_alpha": 0.0, "cutmix_alpha": cutmix}),
    )


def _varied(
    pixels: Tensor, indices: list[int], settings: AugmentConfig, colors: tuple[Tensor, Tensor], epoch: int
) -> Tensor:
    """A batch as in epoch ``epoch``, if the epoch has one step: float32 (B, C, H, W), normalized."""
    return augment(pixels, settings, *colors, seed=0, step=epoch, epoch=epoch, indices=torch.tensor(indices))


def _mixtures(
    sample: catalog.Sample,
    others: list[catalog.Sample],
    in_channels: int,
    settings: AugmentConfig,
    colors: tuple[Tensor, Tensor],
) -> tuple[Mixture, ...]:
    """The image mixed with each of the others, every time with a new weight."""
    result = []
    for step, other in enumerate(others):
        pair = [sample, other]
        images = _varied(_pixels(pair, in_channels), [one.index for one in pair], settings, colors, step)
        mixed, targets = mix(images, torch.tensor([0, 1]), 2, settings, seed=MIX_SEED, step=step)
        result.append(Mixture(_image(mixed[0], colors), other.class_name, float(targets[0, 0])))
    return tuple(result)


def _partners(sample: catalog.Sample, found: list[catalog.Sample]) -> list[catalog.Sample]:
    """Images of other classes, of as many classes as possible."""
    others = [one for one in found[:NUM_SEARCHED] if one.label != sample.label]
    first = {one.label: one for one in reversed(others)}.values()
    return [*first, *(one for one in others if one not in first)][:NUM_PARTNERS]


def _pixels(samples: list[catalog.Sample], in_channels: int) -> Tensor:
    """uint8 (n, C, H, W)."""
    images = [sample.image.convert("RGB" if in_channels == 3 else "L") for sample in samples]
    stacked = np.stack([np.asarray(image) for image in images])
    return torch.from_numpy(stacked.reshape(*stacked.shape[:3], in_channels)).permute(0, 3, 1, 2).contiguous()


def _colors(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation per channel, each (C,), on the scale 0..1."""
    values = pixels.double() / 255
    return values.mean((0, 2, 3)).float(), values.std((0, 2, 3)).clamp(min=1e-3).float()


def _image(normalized: Tensor, colors: tuple[Tensor, Tensor]) -> Image.Image:
    """(C, H, W) back in colors that a person can see."""
    mean, std = (value.view(-1, 1, 1) for value in colors)
    pixels = ((normalized * std + mean) * 255).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    return Image.fromarray(pixels.squeeze(-1) if pixels.shape[2] == 1 else pixels)
