"""Runs: every run of this machine in a table, and below it those that are selected, side by side."""

import streamlit as st

from pages.runs import actions, comparison, deleted, filters, importing, selection, table, waiting
from pages.shared import heading, launching, mistakes, refresh, run_rows
from vit import text
from vit.runs import status


def draw(every: int | None) -> None:
    """The whole screen. It is one fragment, so that what is clicked draws nothing around it anew."""
    if _interval() != every:
        st.rerun()
    runs = run_rows.summaries()
    with heading.row("Runs", {"label": text.counted(len(runs), "run"), "color": "gray"} if runs else None):
        importing.popover()
        st.page_link(launching.TRAIN_PAGE, label="New run", icon=":material/add:")
    importing.told()
    deleted.undo()
    if runs:
        waiting.draw()
        table.draw(filters.choose(runs), len(runs))
        chosen = selection.of(runs)
        with mistakes.shown():
            actions.draw(chosen, runs)
        comparison.draw(chosen, runs)
    else:
        st.markdown("There is no run yet. Train one, and it appears here, with its curves and settings.")
        st.page_link(launching.TRAIN_PAGE, label="Configure a run", icon=":material/model_training:")
    deleted.draw()


def _interval() -> int | None:
    """Seconds until the next look; None if no run is at work."""
    active = status.active()
    return refresh.aside_seconds(active) if active else None


interval = _interval()
st.fragment(draw, run_every=interval)(interval)
