"""Choosing one of several images by clicking it; Streamlit itself has no image that can be clicked."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from PIL import Image

from pages.shared import component
from pages.shared.inline import data_url
from vit.plots.heatmap import enlarge

SIDE = 64  # pixels on screen
SHARPNESS = 2  # image pixels per screen pixel, for dense screens

_mount = component.register("vit_lab_image_picker", Path(__file__).with_suffix(".js"))


@dataclass(frozen=True)
class Choice:
    """An image to choose: ``id`` is what ``pick`` returns for it."""

    id: str
    label: str
    source: str  # a data URL


def choice(choice_id: str, label: str, image: Image.Image) -> Choice:
    """A choice whose thumbnail is the image's central square."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.convert("RGB").crop((left, top, left + side, top + side))
    return Choice(choice_id, label, data_url(enlarge(square, SIDE * SHARPNESS)))


def pick(label: str, choices: list[Choice], *, key: str, selected: str) -> str:
    """Draw the images and return the chosen id: the one clicked last, otherwise ``selected``."""
    clicked = (st.session_state.get(key) or {}).get("chosen")
    current = clicked if clicked in {entry.id for entry in choices} else selected
    data = {"label": label, "images": [vars(entry) for entry in choices], "selected": current}
    _mount(key=key, data=data, on_chosen_change=lambda: None)
    return current
