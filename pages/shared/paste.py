"""Pasting an image anywhere on the page, as if it had been dropped on the uploader."""

from pathlib import Path

from pages.shared import component

_mount = component.register("vit_lab_paste", Path(__file__).with_suffix(".js"))


def listen() -> None:
    """Pass what is pasted on to the first uploader of the page, as long as this is drawn."""
    _mount(key="paste")
