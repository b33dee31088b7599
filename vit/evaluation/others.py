"""Images that show none of the classes of a data set: noise, text and textures, the same on every machine."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vit import images

SEED = 1
LARGE = 256  # pixels; a photograph or a screenshot has more of them than most models see
LETTERS = 4  # more than fit into a square as high as they are; drawing what nobody sees takes long
WORDS = (
    "the of and to in is that it was for on are as with his they at be this have from or one had by word but not what "
    "all were we when your can said there use an each which she do how their if will up other about out many then them "
    "Attention Transformer training image class accuracy error warning open save file 2026 1,240 58.2% (left) [ok]"
).split()


def noise(side: int, rng: np.random.Generator) -> Image.Image:
    """Independent pixels, uniform or normal, in color or gray, of one of several sizes."""
    size = int(rng.choice([side, side, 2 * side, max(side, LARGE)]))
    shape = (size, size, int(rng.choice([1, 3])))
    if rng.random() < 0.5:
        values = rng.uniform(0, 256, shape)
    else:
        values = rng.normal(128, rng.uniform(30, 90), shape)
    pixels = np.broadcast_to(values, (*shape[:2], 3)).clip(0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def text(side: int, rng: np.random.Generator) -> Image.Image:
    """Lines of words on a plain ground, from a few large letters to a whole page."""
    large = max(side, LARGE)
    ground, ink = (tuple(int(value) for value in color) for color in _two_colors(rng))
    picture = Image.new("RGB", (large, large), ground)
    draw, size = ImageDraw.Draw(picture), float(rng.uniform(large / 24, large / 4))
    font, top = ImageFont.load_default(size), rng.uniform(0, size)
    left = rng.uniform(0, size)
    while top < large:
        words = " ".join(rng.choice(WORDS, int(rng.integers(1, 2 + int(3 * large / size)))))
        draw.text((left, top), words[: int(LETTERS * large / size)], ink, font)
        top += size * 1.4
    return picture


def _two_colors(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A light and a dark color, in either order."""
    light, dark = rng.integers(190, 256, 3), rng.integers(0, 80, 3)
    return (light, dark) if rng.random() < 0.7 else (dark, light)


def texture(side: int, rng: np.random.Generator) -> Image.Image:
    """Stripes, checks, blobs or grain in two colors: a pattern without a thing."""
    axis = np.linspace(0, 1, 2 * side)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    kind, frequency, angle = int(rng.integers(4)), rng.uniform(2, 14), rng.uniform(0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    phase = rng.uniform(0, 2 * np.pi, 2)
    waves = [np.sin(2 * np.pi * frequency * axis + shift) for axis, shift in zip((along, across), phase, strict=True)]
    value = [waves[0], np.sign(waves[0] * waves[1]), waves[0] * waves[1], _grain(len(axis), frequency, rng)][kind]
    share = (value - value.min()) / np.ptp(value)
    first, second = rng.integers(0, 256, (2, 3))
    pixels = share[..., None] * first + (1 - share[..., None]) * second + rng.normal(0, 4, (*share.shape, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _grain(side: int, frequency: float, rng: np.random.Generator) -> np.ndarray:
    """Noise without its fine parts, (side, side)."""
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(side, 1 / side), np.fft.fftfreq(side, 1 / side)))
    spectrum = np.fft.fft2(rng.normal(size=(side, side))) * np.exp(-((radius / frequency) ** 2))
    return np.fft.ifft2(spectrum).real


KINDS: dict[str, Callable[[int, np.random.Generator], Image.Image]] = {
    "noise": noise,
    "text": text,
    "textures": texture,
}


def draw(kind: str, count: int, image_size: int) -> np.ndarray:
    """``count`` images of a kind as a model of that image size sees them, uint8 (count, 3, H, W)."""
    rng = np.random.default_rng([SEED, list(KINDS).index(kind)])
    made = (images.fit(KINDS[kind](image_size, rng), image_size) for _ in range(count))
    return np.stack([np.asarray(image).transpose(2, 0, 1) for image in made])
