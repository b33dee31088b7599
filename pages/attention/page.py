"""Attention: look inside a model while it looks at an image."""

from pathlib import Path

import streamlit as st

from pages.attention import ablate, evolve, look, subject, tour, weights, why
from pages.shared import component, mistakes, models

# The image and the question stay in view beside the tabs; where columns lie above each other, they don't.
STICKY = """<style>
@media (min-width: 900px) and (min-height: 600px) {
  :has(> .st-key-subject) { position: sticky; top: 4rem; max-height: calc(100vh - 5rem); overflow-y: auto; }
}
</style>"""
TABS = {"Look": look.draw, "Why": why.draw, "Ablate": ablate.draw, "Evolve": evolve.draw, "Weights": weights.draw}

_history = component.register("vit_lab_history", Path(__file__).with_name("history.js"))


def draw(names: list[str]) -> None:
    """What is looked at, on the left what the model says about it, on the right ways to look inside."""
    tour.follow()
    answer = subject.choose(names)
    if answer is None:
        return
    left, right = st.columns([1, 3], gap="medium")
    st.html(STICKY)
    with left.container(key="subject"):
        asked = subject.ask(answer)
    with right:
        tabs = st.tabs(list(TABS), key="tab", on_change="rerun", bind="query-params")
        opened = next(name for name, tab in zip(TABS, tabs, strict=True) if tab.open)
        with tabs[list(TABS).index(opened)], mistakes.shown():
            TABS[opened](asked)
    _history(key="history", data={"tab": opened, "first": next(iter(TABS))})


models.screen("Attention", draw, tour.controls)
