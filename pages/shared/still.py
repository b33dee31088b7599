"""A map over an image that doesn't move, with a color bar as wide as its place and numbers legible at any width."""

from html import escape

import streamlit as st

from pages.shared.answers import Answer
from pages.shared.inline import data_url
from vit.plots import heatmap
from vit.plots.colors import SEQUENTIAL
from vit.plots.scale import Scale

SIDE = 380  # pixels: about twice a card's width, for dense screens
_TICKS = "display: flex; font-size: 0.8rem; font-variant-numeric: tabular-nums"
# The outline shows where the bar ends: what an overlay leaves as it is, is transparent there, too.
_BAR = "display: block; width: 100%; height: 10px; outline: 1px solid rgb(128 128 128 / 40%); border-radius: 2px"


def draw(answer: Answer, values, meaning: Scale, colors: str = SEQUENTIAL, *, alt: str, with_bar: bool = True) -> None:
    """Draw a map (g, g) over what the model sees of an image, and what its colors mean."""
    image = heatmap.overlay(answer.crop, values, scale=meaning, size=SIDE, colors=colors)
    st.image(data_url(image, "JPEG"), width="stretch", alt=alt)
    if with_bar:
        bar(meaning, colors)


def bar(meaning: Scale, colors: str = SEQUENTIAL) -> None:
    """Draw the colors, and below them both ends and the middle, with the unit."""
    texts = meaning.ticks()
    alt, source = escape(f"Colors from {texts[0]} to {texts[-1]}"), data_url(heatmap.ramp(meaning, colors))
    spans = "".join(
        f'<span style="flex: 1; text-align: {side}">{escape(text)}</span>'
        for side, text in zip(("left", "center", "right"), texts, strict=True)
    )
    st.html(f'<img style="{_BAR}" src="{source}" alt="{alt}"><div style="{_TICKS}">{spans}</div>')
