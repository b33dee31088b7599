"""The selected runs side by side; only the open tab is computed."""

import streamlit as st

from pages.runs import curves, family, images, settings
from pages.shared import mistakes
from vit.runs.summary import Summary

TABS = {"Curves": curves.draw, "Settings": settings.draw, "Images": images.draw, "Family": family.draw}


def draw(chosen: list[Summary], runs: list[Summary]) -> None:
    """Nothing as long as none is selected."""
    if not chosen:
        return
    tabs = st.tabs(list(TABS), key="tab", on_change="rerun", bind="query-params")
    for tab, body in zip(tabs, TABS.values(), strict=True):
        if tab.open:
            with tab, mistakes.shown():
                body(chosen, runs)
