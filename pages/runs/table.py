"""The table of runs. Its selected rows follow the address, whatever the filter does to the order."""

import streamlit as st

from pages.runs import selection
from pages.shared import run_rows
from vit import text
from vit.runs.summary import Summary

KEY, SHOWN = "runs_table", "runs_shown"
ROWS_SHOWN = 8
COLUMNS = ("run", "state", "progress", "curve", "best", "test", "time", "tags", "note", "data", "preset")
COLUMNS += ("device", "parent", "launched")


def draw(runs: list[Summary], total: int) -> None:
    """The runs, of so many, that passed the filter; selecting rows writes the address."""
    ids = [run.id for run in runs]
    wanted = sorted(ids.index(name) for name in selection.names() if name in ids)
    if wanted != _selected_rows():
        st.session_state[KEY] = {"selection": {"rows": wanted, "columns": [], "cells": []}}
    st.session_state[SHOWN] = ids
    if not runs:
        st.markdown("No run passes the filter.")
        return
    st.dataframe(
        run_rows.frame(runs, COLUMNS),
        key=KEY,
        hide_index=True,
        on_select=_select,
        selection_mode="multi-row",
        column_config=run_rows.columns(COLUMNS),
        placeholder="",
        height=run_rows.height(len(runs), ROWS_SHOWN),
        alt="Runs",
    )
    if len(runs) != total:
        st.caption(f"{len(runs):,} of {text.counted(total, 'run')} pass the filter")


def _selected_rows() -> list[int]:
    state = st.session_state.get(KEY)
    return sorted(state["selection"]["rows"]) if state else []


def _select() -> None:
    """Write the address; runs that the filter hides stay selected."""
    shown = st.session_state[SHOWN]
    rows = [shown[row] for row in _selected_rows() if row < len(shown)]
    before = selection.names()
    kept = [name for name in before if name in rows or name not in shown]
    selection.choose(kept + [name for name in rows if name not in kept])
