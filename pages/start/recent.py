"""The most recent runs."""

import streamlit as st

from pages.shared import launching, run_rows

MOST_RUNS, ROWS_SHOWN = 8, 3  # so that a model to try stays in view below; the others are scrolled to
COLUMNS = ("run", "state", "progress", "best", "curve", "data", "launched")


def table() -> None:
    """Recent runs, each opened by selecting its row; nothing at all before the first run."""
    everything = run_rows.summaries()
    runs = everything[:MOST_RUNS]
    if not runs:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("Recent runs", anchor=False, help="Select a row to open its run.")
        st.page_link("pages/runs/page.py", label=f"All runs ({len(everything)})", icon=":material/table_rows:")
    event = st.dataframe(
        run_rows.frame(runs, COLUMNS),
        key="recent_runs",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config=run_rows.columns(COLUMNS),
        height=run_rows.height(len(runs), ROWS_SHOWN),
    )
    if event.selection.rows:
        st.switch_page(launching.TRAIN_PAGE, query_params={"run": runs[event.selection.rows[0]].id})
