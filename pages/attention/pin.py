"""Keeping a picture: offered again with every model, after a reload, and to the film of a run."""

import streamlit as st

from pages.shared import mistakes, pictures
from pages.shared.pictures import Picture
from vit import pinned

HELP = "A pinned picture is kept on this machine and offered beside the samples, with every model."


def draw(picture: Picture) -> None:
    """The button that pins a picture, or lets it go."""
    pinned_id = pictures.pinned_id(picture)
    if pinned_id in {entry.id for entry in pinned.listing()}:
        if st.button("Unpin the picture", key="unpin", icon=":material/keep_off:", type="tertiary", help=HELP):
            pinned.unpin(pinned_id)
            st.rerun()
    elif st.button("Pin the picture", key="pin", icon=":material/keep:", type="tertiary", help=HELP):
        with mistakes.shown():
            pinned.pin(picture.id, picture.read().image, picture.name, picture.label)
            st.rerun()
