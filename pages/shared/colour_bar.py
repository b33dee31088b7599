"""A colour bar as wide as its place, with numbers that stay legible at any width."""

from html import escape

import streamlit as st

from vit.plots import heatmap
from vit.plots.scale import Scale

_TICKS = "display: flex; justify-content: space-between; font-size: 0.78rem; font-variant-numeric: tabular-nums"


def draw(scale: Scale, colors: str = "viridis") -> None:
    """Draw the colours, and below them both ends and the middle, with the unit."""
    words = [text for _, text in heatmap.ticks(scale)]
    st.image(heatmap.ramp(colors), width="stretch", alt=f"Colours from {words[0]} to {words[-1]}")
    st.html(f'<div style="{_TICKS}">' + "".join(f"<span>{escape(text)}</span>" for text in words) + "</div>")
