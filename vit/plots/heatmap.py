"""Heatmaps over pictures. Tokens are drawn as the squares they are: g x g values show as g x g squares, never smoothed.

Values are array-likes in main memory, numpy or torch. What their colours mean is said by a ``vit.plots.scale.Scale``.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.Image import Resampling

from vit.plots.colors import colorize
from vit.plots.scale import Scale, is_flat

GRID_COLOR = (255, 255, 255)
GRID_STRENGTH = 0.35
OUTSIDE = 0.45  # brightness of what the model doesn't see
TRANSPARENT = (0, 0, 0, 0)
TEXT_COLOR = (128, 128, 128, 255)  # readable on white and on black
TEXT_HEIGHT, LINE_HEIGHT, BAR_HEIGHT = 13, 20, 12
GAP, MARGIN = 4, 58  # between maps, and for the names of rows, in pixels


def overlay(
    image: Image.Image,
    values,
    *,
    scale: Scale,
    opacity: float = 0.6,
    grid: bool = True,
    size: int = 320,
    colors: str = "viridis",
) -> Image.Image:
    """A square picture under its heatmap.

    The picture loses its colour as the heatmap gains opacity, so that a colour seen is a colour of the scale: 0 is the
    plain picture, 1 the plain heatmap.

    Args:
        image: What the model saw, or the same part of the original; square.
        values: One per token, (g, g).
        scale: What the colours mean.
        opacity: Of the heatmap, in [0, 1].
        grid: Whether thin lines part the tokens.
        size: Side of the result in pixels.
        colors: One of ``vit.plots.colors.COLOR_MAPS``, or ``DIVERGING`` on a symmetric scale.
    """
    values = np.asarray(values)
    picture = enlarge(image.convert("RGB"), size)
    pale = Image.blend(picture, picture.convert("L").convert("RGB"), opacity)
    heat = Image.fromarray(colorize(scale.shares(values), colors)).resize((size, size), Resampling.NEAREST)
    result = Image.blend(pale, heat, opacity)
    return _ruled(result, len(values)) if grid else result


def token_grid(image: Image.Image, patch_size: int, size: int = 320) -> Image.Image:
    """A model's input under the borders of its patches; ``patch_size`` is in pixels of the input."""
    return _ruled(enlarge(image.convert("RGB"), size), image.width // patch_size)


def place_back(
    original: Image.Image, box: tuple[int, int, int, int], picture: Image.Image, size: int = 640
) -> Image.Image:
    """Put a square picture back to where it was cut from; the rest, which the model doesn't see, is darkened.

    Args:
        original: The whole picture.
        box: (left, top, right, bottom) of the cut, in its pixels.
        picture: What to put there, such as an overlay.
        size: Longest side of the result in pixels.
    """
    factor = size / max(original.size)
    left, top, right, bottom = (round(edge * factor) for edge in box)
    whole = original.resize([max(1, round(side * factor)) for side in original.size], Resampling.LANCZOS).convert("RGB")
    whole = Image.blend(Image.new("RGB", whole.size), whole, OUTSIDE)
    side = (max(1, right - left), max(1, bottom - top))
    whole.paste(picture.convert("RGB").resize(side, Resampling.LANCZOS), (left, top))
    return whole


def enlarge(image: Image.Image, size: int) -> Image.Image:
    """To ``size`` x ``size``: pixels stay visible as squares when growing, and are averaged when shrinking."""
    return image.resize((size, size), Resampling.NEAREST if size >= image.width else Resampling.LANCZOS)


def _ruled(image: Image.Image, count: int) -> Image.Image:
    """Thin lines between ``count`` x ``count`` squares."""
    lines = image.copy()
    draw = ImageDraw.Draw(lines)
    for place in range(1, count):
        at = round(place * image.width / count)
        draw.line([(at, 0), (at, image.height)], GRID_COLOR)
        draw.line([(0, at), (image.width, at)], GRID_COLOR)
    return Image.blend(image, lines, GRID_STRENGTH)


def colour_bar(scale: Scale, *, width: int = 320, colors: str = "viridis") -> Image.Image:
    """A scale's colours with its numbers and unit beneath, on a transparent ground that suits light and dark."""
    bar = Image.new("RGBA", (width, BAR_HEIGHT + LINE_HEIGHT), TRANSPARENT)
    bar.paste(ramp(colors, width), (0, 0))
    draw = ImageDraw.Draw(bar)
    for place, text in ticks(scale):
        anchor = {0.0: "la", 1.0: "ra"}.get(place, "ma")
        draw.text((place * (width - 1), BAR_HEIGHT + 3), text, TEXT_COLOR, font(), anchor)
    return bar


def ramp(colors: str = "viridis", width: int = 320) -> Image.Image:
    """A colour map from low to high, without words."""
    return Image.fromarray(colorize(np.linspace(0, 1, width)[None].repeat(BAR_HEIGHT, axis=0), colors))


def ticks(scale: Scale) -> list[tuple[float, str]]:
    """Places on a scale, 0 to 1, with their numbers: both ends and the middle; the last one carries the unit."""
    last = scale.text(scale.high)
    middle = scale.number((scale.low + scale.high) / 2)
    return [(0.0, scale.number(scale.low)), (0.5, middle), (1.0, f"{last} or more" if scale.clips else last)]


def small_multiples(maps, scale: Scale, *, side: int = 72, colors: str = "viridis") -> Image.Image:
    """A contact sheet on one shared scale: a row per layer, a column per head.

    Args:
        maps: (L, h, g, g), such as ``attention_maps`` of one picture.
        scale: For all of them; that is what makes them comparable.
        side: Of one map, in pixels.
        colors: One of ``vit.plots.colors.COLOR_MAPS``.
    """
    tiles = colorize(scale.shares(maps), colors)  # (L, h, g, g, 3)
    rows, columns = tiles.shape[:2]
    step = side + GAP
    sheet = Image.new("RGBA", (MARGIN + columns * step, LINE_HEIGHT + rows * step), TRANSPARENT)
    for row, column in np.ndindex(rows, columns):
        tile = Image.fromarray(tiles[row, column]).resize((side, side), Resampling.NEAREST)
        sheet.paste(tile, (MARGIN + column * step, LINE_HEIGHT + row * step))
    _label(ImageDraw.Draw(sheet), rows, columns, step)
    return sheet


def _label(draw: ImageDraw.ImageDraw, rows: int, columns: int, step: int) -> None:
    """Number the rows and columns of a contact sheet; heads by number alone, because their maps can be small."""
    draw.text((MARGIN - 8, 0), "head", TEXT_COLOR, font(), "ra")
    for column in range(columns):
        draw.text((MARGIN + column * step + (step - GAP) / 2, 0), str(column), TEXT_COLOR, font(), "ma")
    for row in range(rows):
        draw.text((MARGIN - 8, LINE_HEIGHT + row * step + (step - GAP) / 2), f"layer {row}", TEXT_COLOR, font(), "rm")


def font(height: int = TEXT_HEIGHT) -> ImageFont.FreeTypeFont:
    """Pillow's own typeface, so that pictures look the same on every machine."""
    return ImageFont.load_default(height)


def describe_map(values, num_tokens: int) -> str:
    """A map in words, for those who can't see it: its three highest places, in multiples of uniform attention.

    Args:
        values: (g, g), shares of attention.
        num_tokens: N, prefix tokens included.
    """
    values = np.asarray(values)
    if is_flat(values):
        return f"Attention is nearly uniform: {float(values.mean()) * num_tokens:.2g}x uniform everywhere."
    first, *others = _highest(values, Scale(0.0, 1.0, num_tokens, "x uniform"))
    return f"Attention is strongest at {first}, followed by {' and '.join(others)}."


def describe_values(values, unit: str = "") -> str:
    """Any other map in words: its three highest places, and its lowest one where that is below 0.

    Args:
        values: (g, g).
        unit: As it follows a number.
    """
    values, scale = np.asarray(values, dtype=np.float64), Scale(0.0, 1.0, 1.0, unit)
    if np.ptp(values) == 0:
        return f"The map is {scale.text(float(values.flat[0]))} everywhere."
    first, *others = _highest(values, scale)
    lowest = f" Lowest is {_highest(-values, Scale(0.0, 1.0, -1.0, unit))[0]}." if values.min() < 0 else ""
    return f"Highest is {first}, followed by {' and '.join(others)}.{lowest}"


def _highest(values: np.ndarray, scale: Scale) -> list[str]:
    """The three highest places of a map, ties in reading order: "row 1, column 2 (0.5 logits)"."""
    places = np.argsort(-values, axis=None, kind="stable")[:3]
    rows, columns = np.unravel_index(places, values.shape)
    return [
        f"row {row + 1}, column {column + 1} ({float(values[row, column]) * scale.factor:.2g}{scale.unit})"
        for row, column in zip(rows, columns, strict=True)
    ]
