"""Attention: look inside a model while it looks at a picture."""

import streamlit as st

from pages.attention import subject
from pages.attention.evolve import tab as evolve
from pages.attention.look import tab as look
from pages.attention.surgery import tab as surgery
from pages.attention.weights import tab as weights
from pages.attention.why import tab as why
from pages.shared import heading, mistakes, models

# The picture and the question stay in view beside the tabs; where columns lie above each other, they don't.
STICKY = """<style>
@media (min-width: 900px) and (min-height: 600px) {
  :has(> .st-key-subject) { position: sticky; top: 4rem; max-height: calc(100vh - 5rem); overflow-y: auto; }
}
</style>"""
TABS = {"Look": look.draw, "Why": why.draw, "Break": surgery.draw, "Evolve": evolve.draw, "Weights": weights.draw}


def draw(names: list[str]) -> None:
    """What is looked at, on the left what the model says about it, on the right ways to look inside."""
    chosen = subject.choose(names)
    if chosen is None:
        return
    left, right = st.columns([1, 3], gap="medium")
    st.html(STICKY)
    with left.container(key="subject"):
        asked = subject.ask(*chosen)
    with right:
        tabs = st.tabs(list(TABS), key="tab", on_change="rerun", bind="query-params")
        for tab, draw_tab in zip(tabs, TABS.values(), strict=True):
            if tab.open:
                with tab, mistakes.shown():
                    draw_tab(asked)


heading.row("Attention")
known = models.names()
if known:
    with mistakes.shown():
        draw(known)
else:
    st.markdown("There is no trained model yet. Train one: it appears here as soon as its first checkpoint is saved.")
    st.page_link("pages/train/page.py", label="Train a model", icon=":material/model_training:")
