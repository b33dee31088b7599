"""The most recent runs."""

import streamlit as st

from pages.shared import launching
from vit import text
from vit.runs import metrics, status
from vit.runs.directory import Run
from vit.runs.status import RunState

MOST_RUNS, ROWS_SHOWN = 8, 3  # so that a model to try stays in view below; the others are scrolled to
HEIGHT_OF_ROW, HEIGHT_OF_HEADER = 35, 38  # Streamlit's table, in pixels


def table() -> None:
    """Recent runs, each opened by selecting its row; nothing at all before the first run."""
    runs = status.list_runs()[:MOST_RUNS]
    if not runs:
        return
    import pandas as pd  # takes half a second, which a first visit with no run to show should not wait for

    st.subheader("Recent runs", anchor=False, help="Select a row to open its run.")
    event = st.dataframe(
        pd.DataFrame([_row(run) for run in runs]),
        key="recent_runs",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config=_COLUMNS,
        height=HEIGHT_OF_HEADER + HEIGHT_OF_ROW * min(len(runs), ROWS_SHOWN),
    )
    if event.selection.rows:
        st.switch_page(launching.TRAIN_PAGE, query_params={"run": runs[event.selection.rows[0]].id})


def _row(run: RunState) -> dict:
    path = Run.find(run.id).metrics_path
    return {
        "run": run.id,
        "state": run.state,
        "progress": run.progress,
        "best": run.status.best_val_accuracy,
        "curve": _accuracies(run.id, path.stat().st_mtime_ns if path.exists() else 0),
        "data": run.launch.data,
        "launched": text.clock(run.launch.launched),
    }


@st.cache_data(max_entries=200, show_spinner=False)
def _accuracies(run_id: str, modified: int) -> list[float]:
    """A run's validation accuracies so far; read again only when its file has grown."""
    return metrics.curve(metrics.read_metrics(Run.find(run_id)), "val_accuracy")[1]


_COLUMNS = {
    "run": st.column_config.TextColumn("Run"),
    "state": st.column_config.TextColumn("State", width="small"),
    "progress": st.column_config.ProgressColumn("Progress", format="percent", min_value=0, max_value=1),
    "best": st.column_config.NumberColumn(
        "Best val acc.", format="percent", width="small", help="Best validation accuracy"
    ),
    "curve": st.column_config.LineChartColumn("Val accuracy", y_min=0, y_max=1, width="medium"),
    "data": st.column_config.TextColumn("Data", width="small"),
    "launched": st.column_config.TextColumn("Started", width="small"),
}
