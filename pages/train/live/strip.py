"""A pinned picture with its attention, and under it a strip of how the model's answer changed."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from vit.plots import heatmap, scale

SIDE, STRIP, GAP = 160, 28, 4  # pixels
MOST_BARS = 40
RIGHT, WRONG = (20, 152, 140, 255), (128, 140, 139, 110)


@dataclass(frozen=True)
class Seen:
    """What became of one picture.

    Attributes:
        says: The class that the model names now.
        probability: Of that class.
        attention: (g, g), shares.
        bars: After each validation, (probability of the right class, whether it was named).
    """

    says: int
    probability: float
    attention: np.ndarray
    bars: list[tuple[float, bool]]


def valid(history: list[dict]) -> list[dict]:
    """Without what a resumed run has made anew: a row replaces all earlier ones of its step or later."""
    kept: list[dict] = []
    for row in history:
        while kept and kept[-1]["step"] >= row["step"]:
            kept.pop()
        kept.append(row)
    return kept


def follow(history: list[dict], place: int, label: int) -> Seen:
    """One picture's way through the history."""
    rows = [row["probabilities"][place] for row in history]
    bars = [(row[label], max(row) == row[label]) for row in rows]
    attention = np.array(history[-1]["attention"][place])
    side = round(len(attention) ** 0.5)
    says = int(np.argmax(rows[-1]))
    return Seen(says, rows[-1][says], attention.reshape(side, side), bars)


def draw(picture: Image.Image, seen: Seen) -> Image.Image:
    """The picture under its attention, and the strip below it."""
    result = Image.new("RGBA", (SIDE, SIDE + GAP + STRIP), (0, 0, 0, 0))
    meaning = scale.attention(seen.attention.size)
    shown = heatmap.overlay(picture, seen.attention, scale=meaning, size=SIDE)
    result.paste(shown, (0, 0))
    _bars(ImageDraw.Draw(result), thinned(seen.bars))
    return result


def thinned(bars: list) -> list:
    """At most ``MOST_BARS``, evenly chosen, with the last one always among them."""
    step = -(-len(bars) // MOST_BARS)
    return bars[::-1][::step][::-1]


def _bars(canvas: ImageDraw.ImageDraw, bars: list[tuple[float, bool]]) -> None:
    """As high as the right class was likely; solid where it was named, pale where not."""
    width = SIDE / max(len(bars), 8)
    bottom = SIDE + GAP + STRIP - 1
    canvas.line([(0, bottom), (SIDE, bottom)], WRONG)
    for index, (probability, is_right) in enumerate(bars):
        left = index * width
        top = bottom - max(1, probability * (STRIP - 2))
        canvas.rectangle([left, top, max(left, left + width - 2), bottom], RIGHT if is_right else WRONG)
