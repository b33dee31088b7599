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


def small(choice_id: str, label: str, image: Image.Image) -> Choice:
    """A choice of a sheet with many: no more pixels than are shown, which is quick to pack."""
    return Choice(choice_id, label, data_url(image if image.width <= SIDE else enlarge(image, SIDE)))


def pick(label: str, choices: list[Choice], *, key: str, selected: str, is_sheet: bool = False) -> str:
    """Draw the images and return the chosen id: the one clicked last, otherwise ``selected``.

    Args:
        label: What they are, for a person who hears the page.
        choices: The images.
        key: Of the widget.
        selected: The id that is chosen at first; empty for none.
        is_sheet: Whether all are in sight, as many as there are, rather than two rows that scroll.
    """
    clicked = (st.session_state.get(key) or {}).get("chosen")
    current = clicked if clicked in {entry.id for entry in choices} else selected
    data = {"label": label, "images": [vars(entry) for entry in choices], "selected": current, "isSheet": is_sheet}
    _mount(key=key, data=data, on_chosen_change=lambda: None)
    return current
