"""The settings of the selected runs, those that differ first of all."""

import streamlit as st

from pages.shared import run_rows
from vit import text
from vit.runs import compare
from vit.runs.directory import Run
from vit.runs.summary import Summary

ROWS_SHOWN = 18


def draw(chosen: list[Summary], runs: list[Summary]) -> None:
    """A row per setting and a column per run."""
    found = [compare.settings(Run.find(run.id)) for run in chosen]
    names = list(dict.fromkeys(name for values in found for name in values))
    if len(chosen) > 1:
        differing = compare.differing(found)
        only = st.toggle("Differences only", True, key="differences", bind="query-params")
        same = len(names) - len(differing)
        st.caption(f"{text.counted(len(differing), 'setting')} differ, {same} are the same. plan: measured or decided.")
        names = differing if only else names
    if not names:
        st.markdown("Nothing differs between these runs.")
        return
    import pandas as pd

    table = pd.DataFrame({"setting": names})
    for run, values in zip(chosen, found, strict=True):
        table[run.id] = [compare.words(values.get(name)) for name in names]
    look = {"setting": st.column_config.TextColumn("Setting", pinned=True)}
    height = run_rows.height(len(names), ROWS_SHOWN)
    st.dataframe(table, hide_index=True, column_config=look, height=height, alt="Settings of the selected runs")
