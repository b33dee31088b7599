"""Filters as small images."""

import numpy as np
from PIL import Image

GAP, COLUMNS = 4, 7  # pixels, filters in a row
TRANSPARENT = (0, 0, 0, 0)


def sheet(filters: np.ndarray, side: int = 48) -> Image.Image:
    """A contact sheet of filters (n, C, s, s), C 1 or 3; each is stretched to its own range around middle gray."""
    rows = -(-len(filters) // COLUMNS)
    columns = min(COLUMNS, len(filters))
    result = Image.new("RGBA", (columns * (side + GAP) - GAP, rows * (side + GAP) - GAP), TRANSPARENT)
    for index, filter_ in enumerate(filters):
        row, column = divmod(index, COLUMNS)
        result.paste(tile(filter_, side), (column * (side + GAP), row * (side + GAP)))
    return result


def tile(filter_: np.ndarray, side: int) -> Image.Image:
    """One filter (C, s, s): zero is gray, its largest magnitude black or white."""
    shares = 0.5 + 0.5 * filter_ / (np.abs(filter_).max() or 1.0)
    pixels = (shares.transpose(1, 2, 0) * 255).round().astype(np.uint8)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return image.convert("RGB").resize((side, side), Image.Resampling.NEAREST)
