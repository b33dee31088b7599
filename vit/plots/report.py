"""One prediction on one sheet: the image, what the model saw of it, where it looked, and what it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from vit.plots.colors import SEQUENTIAL
from vit.plots.heatmap import color_bar, enlarge, font, overlay, place_back
from vit.plots.scale import Scale

if TYPE_CHECKING:  # it imports torch, drawing doesn't
    from vit.predict import Prediction

PANEL, MARGIN, CAPTION, FOOT = 320, 24, 28, 150  # pixels
PAPER, INK, FAINT, ACCENT = "white", "#222222", "#e8e8e8", "#0f766e"
NAME_WIDTH, ROW = 120, 28


def report(
    original: Image.Image, said: Prediction, values: np.ndarray, scale: Scale, caption: str, colors: str = SEQUENTIAL
) -> Image.Image:
    """Draw the sheet; ``values`` (g, g), ``scale`` and ``colors`` are the heatmap's, ``caption`` says what it shows."""
    sheet = Image.new("RGB", (3 * PANEL + 4 * MARGIN, 2 * CAPTION + PANEL + FOOT + MARGIN), PAPER)
    crop = original.crop(said.box)
    whole = ImageOps.contain(place_back(original, said.box, crop), (PANEL, PANEL))
    heat = overlay(crop, values, scale=scale, size=PANEL, colors=colors)
    seen = f"What the model sees: {said.seen.width} x {said.seen.height} pixels"
    panels = [(said.name, whole), (seen, enlarge(said.seen.convert("RGB"), PANEL)), (caption, heat)]
    draw = ImageDraw.Draw(sheet)
    for column, (title, image) in enumerate(panels):
        draw.text((_left(column), MARGIN), _shorten(title), INK, font())
        sheet.paste(image, (_left(column), MARGIN + CAPTION))
    foot = MARGIN + CAPTION + PANEL + 16
    bar = color_bar(scale, width=PANEL, colors=colors)
    sheet.paste(bar, (_left(2), foot), bar)
    _bars(draw, said.top(5), foot)
    return sheet


def _bars(draw: ImageDraw.ImageDraw, pairs: list[tuple[str, float]], top: int) -> None:
    """Class names, bars and percentages below the first two panels."""
    left, width = MARGIN + NAME_WIDTH, 2 * PANEL + MARGIN - NAME_WIDTH - 64
    for row, (name, probability) in enumerate(pairs):
        y = top + row * ROW
        draw.text((left - 12, y + 8), _shorten(name, NAME_WIDTH - 12), INK, font(), "rm")
        draw.rectangle([left, y, left + width, y + 16], FAINT)
        if probability * width >= 1:
            draw.rectangle([left, y, left + probability * width, y + 16], ACCENT)
        draw.text((left + width + 12, y + 8), f"{probability:.1%}", INK, font(), "lm")


def _left(column: int) -> int:
    return MARGIN + column * (PANEL + MARGIN)


def _shorten(text: str, width: int = PANEL) -> str:
    """Cut a text to a width in pixels, saying that it was cut."""
    if font().getlength(text) <= width:
        return text
    kept = next(end for end in range(len(text), -1, -1) if font().getlength(text[:end] + "...") <= width)
    return text[:kept] + "..."
