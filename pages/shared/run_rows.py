"""Runs as the rows of a table, for every screen that lists them."""

import functools

import streamlit as st

from pages.shared import curves
from vit import text
from vit.runs.summary import Summaries, Summary

MOST_POINTS = 60  # of a curve in a cell
HEIGHT_OF_ROW, HEIGHT_OF_HEADER = 35, 38  # Streamlit's table, in pixels


def summaries() -> list[Summary]:
    """Every run, newest first."""
    return _reader().read()


@st.cache_resource(show_spinner=False)
def _reader() -> Summaries:
    """What all visitors share, so that a run is read once and then again only when it has changed."""
    return Summaries()


def frame(runs: list[Summary], columns: tuple[str, ...]):
    """A data frame with one row per run."""
    import pandas as pd  # takes half a second, which a screen without a run to show should not wait for

    return pd.DataFrame([_row(run) for run in runs], columns=list(columns))


def columns(names: tuple[str, ...]) -> dict:
    """How Streamlit shows the columns of such a frame."""
    return {name: _COLUMNS[name] for name in names}


def height(count: int, most: int) -> int:
    """Pixels of a table that shows up to so many rows; the others are scrolled to."""
    return HEIGHT_OF_HEADER + HEIGHT_OF_ROW * max(1, min(count, most)) + 2


def _row(run: Summary) -> dict:
    status, launch = run.state.status, run.state.launch
    return {
        "run": run.id,
        "state": run.state.state,
        "progress": run.state.progress,
        "best": status.best_val_accuracy,
        "test": run.test_accuracy,
        "curve": _curve(run.accuracies),
        "time": text.duration(status.seconds) if status.seconds else "",
        "data": launch.data,
        "preset": launch.preset,
        "device": run.device,
        "parent": run.parent,
        "tags": list(run.about.tags),
        "note": run.about.note,
        "launched": text.clock(launch.launched),
    }


@functools.lru_cache(maxsize=4096)
def _curve(accuracies: tuple[float, ...]) -> curves.Values:
    """A run's curve as a cell shows it; that of a run that has ended is always the same."""
    return curves.thin(range(len(accuracies)), accuracies, MOST_POINTS)[1]


_COLUMNS = {
    "run": st.column_config.TextColumn("Run", pinned=True),
    "state": st.column_config.TextColumn("State", width="small"),
    "progress": st.column_config.ProgressColumn("Progress", format="percent", min_value=0, max_value=1, width="small"),
    "best": st.column_config.NumberColumn("Best val", format="percent", width="small", help="Best validation accuracy"),
    "test": st.column_config.NumberColumn(
        "Test", format="percent", width="small", help="Test accuracy of the best checkpoint, measured once"
    ),
    "curve": st.column_config.LineChartColumn("Val accuracy", y_min=0, y_max=1, width="small"),
    "time": st.column_config.TextColumn("Trained for", width="small"),
    "data": st.column_config.TextColumn("Data", width="small"),
    "preset": st.column_config.TextColumn("Preset", width="small"),
    "device": st.column_config.TextColumn("Device", width="small"),
    "parent": st.column_config.TextColumn(
        "From", width="small", help="The run that it goes on from, or whose weights it began with"
    ),
    "tags": st.column_config.ListColumn("Tags", width="small"),
    "note": st.column_config.TextColumn("Note", width="medium"),
    "launched": st.column_config.TextColumn("Started", width="small"),
}
