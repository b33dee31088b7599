"""Images corrupted in five ways and strengths, as in Hendrycks and Dietterich 2019 (arXiv:1903.12261). No torch."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from vit.evaluation.parts import Corrupted, Robustness

SEED = 0
IMAGES = 1000  # at most
USUAL_SIDE = 32  # pixels; a blur of larger images is larger


def _noise(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image) + rng.normal(0, strength, (*image.size[::-1], len(image.getbands())))
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def _blur(image: Image.Image, strength: float, _: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(strength * image.width / USUAL_SIDE))


def _brightness(image: Image.Image, strength: float, _: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(strength)


def _contrast(image: Image.Image, strength: float, _: np.random.Generator) -> Image.Image:
    return ImageEnhance.Contrast(image).enhance(strength)


def _jpeg(image: Image.Image, strength: float, _: np.random.Generator) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(strength))
    return Image.open(buffer).convert(image.mode)


# What each strength means: standard deviation of 255, pixels at a side of 32, factors, and JPEG's quality of 100.
KINDS: dict[str, tuple[Callable, tuple[float, ...]]] = {
    "noise": (_noise, (8, 16, 24, 36, 52)),
    "blur": (_blur, (0.4, 0.7, 1.0, 1.4, 2.0)),
    "brightness": (_brightness, (0.8, 0.6, 0.45, 0.3, 0.18)),
    "contrast": (_contrast, (0.8, 0.6, 0.45, 0.3, 0.18)),
    "JPEG quality": (_jpeg, (60, 40, 25, 15, 8)),
}


def corrupt(images: np.ndarray, kind: str, strength: int) -> np.ndarray:
    """Corrupt images, uint8 (N, 3, H, W), the same way every time; ``strength`` is 1 to 5."""
    change, settings = KINDS[kind]
    rng = np.random.default_rng([SEED, list(KINDS).index(kind), strength])
    changed = (change(Image.fromarray(image.transpose(1, 2, 0)), settings[strength - 1], rng) for image in images)
    return np.stack([np.asarray(image).transpose(2, 0, 1) for image in changed])


def measure(predict: Callable[[np.ndarray, str], np.ndarray], images: np.ndarray, labels: np.ndarray) -> Robustness:
    """Accuracy in every way and strength.

    Args:
        predict: From images, uint8 (N, 3, H, W), and words about them to predicted classes (N,).
        images: Clean ones.
        labels: (N,).
    """
    rows = []
    for kind, (_, settings) in KINDS.items():
        for strength, setting in enumerate(settings, 1):
            predicted = predict(corrupt(images, kind, strength), f"{kind}, strength {strength} of {len(settings)}")
            accuracy = float((predicted == labels).mean())
            rows.append(Corrupted(kind=kind, strength=strength, setting=setting, accuracy=accuracy))
    clean = float((predict(images, "clean") == labels).mean())
    return Robustness(images=len(labels), clean=clean, corrupted=tuple(rows))
