"""Heatmaps over images. Tokens are drawn as the squares they are: g x g values show as g x g squares, never smoothed.

Values are array-likes in main memory, numpy or torch. What their colors mean is said by a ``vit.plots.scale.Scale``.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.Image import Resampling

from vit.plots.colors import SEQUENTIAL, SIGNED, tint
from vit.plots.scale import Scale, attention, from_zero, is_flat, symmetric

GRID_COLOR = (255, 255, 255)
GRID_STRENGTH = 0.35
OUTSIDE = 0.45  # brightness of what the model doesn't see
TRANSPARENT = (0, 0, 0, 0)
TEXT_COLOR = (128, 128, 128, 255)  # readable on white and on black
TEXT_HEIGHT, LINE_HEIGHT, BAR_HEIGHT = 13, 20, 12
PIXELATED = 128  # images up to this side show their pixels as squares
ATTENTION = " of attention"  # the unit of maps that are shares of attention


def overlay(image: Image.Image, values, *, scale: Scale, size: int = 320, colors: str = SEQUENTIAL) -> Image.Image:
    """A square image under its heatmap, whose opacity follows the value: weak patches leave the image as it is.

    Args:
        image: What the model saw, or better the same part of the original; square.
        values: One per token, (g, g).
        scale: What the colors mean.
        size: Side of the result in pixels.
        colors: One of ``vit.plots.colors.COLOR_MAPS``; ``SIGNED`` needs a symmetric scale.
    """
    tints = tint(scale.shares(np.asarray(values)), colors, float(scale.shares(scale.rest)))
    heat = Image.fromarray(tints).resize((size, size), Resampling.NEAREST)
    return Image.alpha_composite(enlarge(image.convert("RGBA"), size), heat).convert("RGB")


def token_grid(image: Image.Image, patch_size: int, size: int = 320) -> Image.Image:
    """A model's input under the borders of its patches; ``patch_size`` is in pixels of the input."""
    return ruled(enlarge(image.convert("RGB"), size), image.width // patch_size)


def place_back(
    original: Image.Image, box: tuple[int, int, int, int], image: Image.Image, size: int = 640
) -> Image.Image:
    """Put a square image back to where it was cut from; the rest, which the model doesn't see, is darkened.

    Args:
        original: The whole image.
        box: (left, top, right, bottom) of the cut, in its pixels.
        image: What to put there, such as an overlay.
        size: Longest side of the result in pixels.
    """
    place = _scaled(box, size / max(original.size))
    whole = _darkened(_longest(original, size))
    side = (place[2] - place[0], place[3] - place[1])
    whole.paste(image.convert("RGB").resize(side, Resampling.LANCZOS), place)
    return whole


def spotlight(original: Image.Image, box: tuple[int, int, int, int], size: int) -> Image.Image:
    """An image whose longest side is ``size``, darkened outside of ``box`` (left, top, right, bottom; its pixels)."""
    whole, place = _longest(original, size), _scaled(box, size / max(original.size))
    dark = _darkened(whole)
    dark.paste(whole.crop(place), place)
    return dark


def _longest(image: Image.Image, size: int) -> Image.Image:
    sides = [max(1, round(side * size / max(image.size))) for side in image.size]
    return image.resize(sides, Resampling.LANCZOS).convert("RGB")


def _scaled(box: tuple[int, int, int, int], factor: float) -> tuple[int, int, int, int]:
    """The box in another size, at least a pixel wide and high."""
    left, top, right, bottom = (round(edge * factor) for edge in box)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _darkened(image: Image.Image) -> Image.Image:
    return Image.blend(Image.new("RGB", image.size), image, OUTSIDE)


def enlarge(image: Image.Image, size: int) -> Image.Image:
    """To ``size`` x ``size``; the pixels of a small image stay visible as squares."""
    is_small = image.width <= PIXELATED and size >= image.width
    return image.resize((size, size), Resampling.NEAREST if is_small else Resampling.LANCZOS)


def ruled(image: Image.Image, count: int) -> Image.Image:
    """Thin lines between ``count`` x ``count`` squares."""
    lines = image.copy()
    draw = ImageDraw.Draw(lines)
    for place in range(1, count):
        at = round(place * image.width / count)
        draw.line([(at, 0), (at, image.height)], GRID_COLOR)
        draw.line([(0, at), (image.width, at)], GRID_COLOR)
    return Image.blend(image, lines, GRID_STRENGTH)


def color_bar(scale: Scale, *, width: int = 320, colors: str = SEQUENTIAL) -> Image.Image:
    """A scale's colors with its numbers and unit beneath, on a transparent ground that suits light and dark."""
    bar = Image.new("RGBA", (width, BAR_HEIGHT + LINE_HEIGHT), TRANSPARENT)
    bar.paste(ramp(scale, colors, width), (0, 0))
    draw = ImageDraw.Draw(bar)
    for place, anchor, text in zip((0, 0.5, 1), ("la", "ma", "ra"), scale.ticks(), strict=True):
        draw.text((place * (width - 1), BAR_HEIGHT + 3), text, TEXT_COLOR, font(), anchor)
    return bar


def ramp(scale: Scale, colors: str = SEQUENTIAL, width: int = 320) -> Image.Image:
    """The colors of an overlay from low to high, as transparent as there, without words."""
    shares = np.linspace(0, 1, width)[None].repeat(BAR_HEIGHT, axis=0)
    return Image.fromarray(tint(shares, colors, float(scale.shares(scale.rest))))


def font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface, so that images look the same on every machine."""
    return ImageFont.load_default(TEXT_HEIGHT)


def appearance(values, *, unit: str, is_signed: bool, num_tokens: int) -> tuple[Scale, str, str]:
    """What a method's map looks like: what its colors mean, the name of its colors, and the map in words.

    Args:
        values: (g, g), raw.
        unit: Of the values, as it follows a number; shares of attention are told in multiples of uniform.
        is_signed: Whether values below 0 speak against something.
        num_tokens: N, prefix tokens included.
    """
    if unit == ATTENTION:
        return attention(num_tokens), SEQUENTIAL, describe_map(values, num_tokens)
    if is_signed:
        return symmetric(values, unit), SIGNED, describe_values(values, unit)
    return from_zero(values, unit), SEQUENTIAL, describe_values(values, unit)


def describe_map(values, num_tokens: int) -> str:
    """Shares of attention (g, g) in words: the three highest places, in multiples of what each of N tokens gets."""
    values = np.asarray(values)
    if is_flat(values):
        return f"Attention is nearly uniform: {float(values.mean()) * num_tokens:.2g}x uniform everywhere."
    first, *others = _highest(values, Scale(0.0, 1.0, num_tokens, "x uniform"))
    return f"Attention is strongest at {first}, followed by {' and '.join(others)}."


def describe_values(values, unit: str = "") -> str:
    """Any other map (g, g) in words: its three highest places, and its lowest one where that is below 0."""
    values, scale = np.asarray(values, dtype=np.float64), Scale(0.0, 1.0, 1.0, unit)
    if np.ptp(values) == 0:
        return f"The map is {scale.text(float(values.flat[0]))} everywhere."
    first, *others = _highest(values, scale)
    lowest = f" Lowest is {_highest(-values, Scale(0.0, 1.0, -1.0, unit))[0]}." if values.min() < 0 else ""
    return f"Highest is {first}, followed by {' and '.join(others)}.{lowest}"


def _highest(values: np.ndarray, scale: Scale) -> list[str]:
    """The three highest places of a map, ties in reading order: "row 0, column 1 (0.5 logits)", counted from 0."""
    places = np.argsort(-values, axis=None, kind="stable")[:3]
    rows, columns = np.unravel_index(places, values.shape)
    return [
        f"row {row}, column {column} ({float(values[row, column]) * scale.factor:.2g}{scale.unit})"
        for row, column in zip(rows, columns, strict=True)
    ]
