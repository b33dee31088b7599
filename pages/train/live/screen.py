"""One run from top to bottom, drawn anew every few seconds while it lives."""

import streamlit as st

from pages.shared import heading, launching, refresh
from pages.train.live import charts, details, figures, header, tracked
from vit.errors import RunError
from vit.runs import status
from vit.runs.directory import Run
from vit.runs.metrics import MetricsTail
from vit.runs.plan import read_plan


def draw(run_id: str) -> None:
    """The run of that name, live as long as it lives; afterwards the page is quiet."""
    try:
        run = Run.find(run_id)
    except RunError as error:
        heading.row("Train")
        st.error(str(error))
        st.page_link(launching.TRAIN_PAGE, label="Configure a new run", icon=":material/tune:")
        return
    every = refresh.seconds(status.state_of(run))
    st.fragment(_live, run_every=every)(run, every)


def _live(run: Run, every: int | None) -> None:
    """Everything that changes. When the run has ended, begun anew or come of age, the whole page starts over."""
    now = status.state_of(run)
    if refresh.seconds(now) != every:
        st.rerun()
    rows, plan = _tail(run).read(), read_plan(run)
    header.draw(run, now, rows)
    figures.draw(rows)
    if rows:
        charts.draw(run, rows, plan)
        if plan:
            tracked.draw(run, plan)
    elif now.is_alive:
        charts.reserve()
    details.draw(run, plan)


def _tail(run: Run) -> MetricsTail:
    """This visitor's reader, which remembers how far it has read."""
    reader = st.session_state.get("metrics_tail")
    if reader is None or reader.run != run:
        reader = st.session_state["metrics_tail"] = MetricsTail(run)
    return reader
