"""Choosing one of several pictures by clicking it; Streamlit itself has no picture that can be clicked."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from PIL import Image

from pages.shared.inline import data_url
from vit.plots.heatmap import enlarge

SIDE = 64  # pixels on screen
SHARPNESS = 2  # picture pixels per screen pixel, for dense screens

_CSS = """
.row { display: flex; flex-wrap: wrap; gap: 8px; padding: 3px; }
button {
  padding: 0; border: 2px solid transparent; border-radius: 9px; background: none; cursor: pointer; line-height: 0;
}
button:hover { border-color: var(--st-border-color); }
button[aria-checked="true"] { border-color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
img { width: 64px; height: 64px; border-radius: 6px; object-fit: cover; }
"""

_mount = st.components.v2.component(
    "vit_lab_picture_picker",
    html='<div class="row" role="radiogroup"></div>',
    css=_CSS,
    js=Path(__file__).with_name("picture_picker.js").read_text(),
)


@dataclass(frozen=True)
class Choice:
    """A picture to choose: ``id`` is what ``pick`` returns for it."""

    id: str
    label: str
    source: str  # a data URL


def choice(choice_id: str, label: str, image: Image.Image) -> Choice:
    """A choice whose thumbnail is the picture's central square."""
    return Choice(choice_id, label, data_url(_square(image)))


def pick(label: str, choices: list[Choice], *, key: str, selected: str | None) -> str | None:
    """Draw the pictures and return the chosen id: the one clicked last, otherwise ``selected``."""
    clicked = (st.session_state.get(key) or {}).get("chosen")
    current = clicked if clicked in {entry.id for entry in choices} else selected
    data = {"label": label, "pictures": [vars(entry) for entry in choices], "selected": current}
    _mount(key=key, data=data, on_chosen_change=lambda: None)
    return current


def _square(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return enlarge(image.convert("RGB").crop((left, top, left + side, top + side)), SIDE * SHARPNESS)
