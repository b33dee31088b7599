"""The first row of a screen: its title, and its actions at the right, always in the same place."""

import streamlit as st

from pages.shared import mistakes


def row(title: str, badge: dict | None = None):
    """Draw the title, with a badge beside it if given, and below it what a click was refused for.

    Returns:
        The container for the screen's actions.
    """
    place = st.container(horizontal=True, vertical_alignment="center", gap="small")
    mistakes.told()
    with place.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(title, anchor=False, width="content")
        if badge:
            st.badge(**badge)
    line = {"horizontal": True, "horizontal_alignment": "right", "vertical_alignment": "center", "gap": "small"}
    return place.container(width="content", **line)
