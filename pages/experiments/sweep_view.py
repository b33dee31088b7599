"""One sweep: how far it is, its trials, and what Optuna's figures show of them."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import launching, mistakes
from pages.shared.literal import literal
from vit import jobs, text
from vit.sweeps import directory
from vit.sweeps.definition import Definition
from vit.sweeps.directory import Sweep

if TYPE_CHECKING:
    from vit.sweeps.trials import TrialRow

REFRESH_SECONDS = 3
HEIGHT = 420  # pixels, of a figure
ENDED = ("complete", "pruned", "failed")
FIGURES = ("History", "Parallel coordinates", "Importance")
NONE_YET = "Figures appear here once two trials have finished."


def draw(name: str) -> None:
    """The sweep of that name, live as long as somebody works on it."""
    st.button("All sweeps", type="tertiary", icon=":material/arrow_back:", on_click=_leave)
    with mistakes.shown():
        sweep = Sweep.find(name)
        definition = sweep.definition()
        is_live = _is_live(sweep)
        st.fragment(_live, run_every=REFRESH_SECONDS if is_live else None)(sweep, definition, is_live)


def _leave() -> None:
    del st.query_params["sweep"]


def _is_live(sweep: Sweep) -> bool:
    return jobs.is_running(sweep.job) or sweep.is_worked_on()


def _live(sweep: Sweep, definition: Definition, was_live: bool) -> None:
    from vit.sweeps import trials  # here, because Optuna takes a moment that other pages should not wait for

    if _is_live(sweep) != was_live:
        st.rerun()
    with mistakes.shown():
        rows = trials.read(sweep)
        _header(sweep, definition, rows, was_live)
        if rows:
            _table(sweep, rows)
        _figures(sweep, sum(row.state in ENDED for row in rows))


def _header(sweep: Sweep, definition: Definition, rows: list["TrialRow"], is_live: bool) -> None:
    done = sum(row.state in ENDED for row in rows)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(sweep.name, anchor=False, width="content")
        is_done = done >= definition.trials
        look = ("primary", "running") if is_live else ("green", "finished") if is_done else ("orange", "not finished")
        st.badge(look[1], color=look[0])
        if jobs.is_running(sweep.job):
            st.button("Cancel", icon=":material/stop:", on_click=jobs.cancel, args=(sweep.job,))
        elif not is_done:
            st.button("Continue", type="primary", icon=":material/resume:", on_click=_continue, args=(sweep,))
    mistakes.told("refused-sweep")
    st.caption(f"{definition.sampler}: {literal('; '.join(map(str, definition.varied)))}")
    best = max((row for row in rows if row.state == "complete"), key=lambda row: row.value or 0.0, default=None)
    reached = f" · best val accuracy {text.percent(best.value)} ({best.run})" if best else ""
    st.progress(
        min(1.0, done / definition.trials), text=f"{done} of {text.counted(definition.trials, 'trial')}{reached}"
    )
    job = jobs.status(sweep.job)
    if job and job.state == "failed" and not is_live:
        st.error(literal(job.error or "No reason was recorded."))


def _continue(sweep: Sweep) -> None:
    with mistakes.kept("refused-sweep"):
        directory.start(sweep)


def _table(sweep: Sweep, rows: list["TrialRow"]) -> None:
    """The trials, each opened by selecting its row."""
    import pandas as pd

    table = [{"run": row.run, "state": row.state, "value": row.value, **row.params, "why": row.reason} for row in rows]
    event = st.dataframe(
        pd.DataFrame(table),
        key=f"trials-{sweep.name}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config=_COLUMNS,
    )
    if event.selection.rows:
        st.switch_page(launching.TRAIN_PAGE, query_params={"run": rows[event.selection.rows[0]].run})


_COLUMNS = {
    "run": st.column_config.TextColumn("Run", help="Select a row to open its run."),
    "state": st.column_config.TextColumn("State", width="small"),
    "value": st.column_config.NumberColumn("Val accuracy", format="percent", help="The best of the run"),
    "why": st.column_config.TextColumn("Why", help="Why a trial has failed or was stopped"),
}


def _figures(sweep: Sweep, done: int) -> None:
    """Optuna's own figures, drawn anew when a trial has ended; only the open one is drawn."""
    with st.skeleton(height=HEIGHT):
        drawn = _drawn(sweep, done)
    if not drawn:
        st.caption(NONE_YET)
        return
    tabs = st.tabs(list(FIGURES), key="figure", on_change="rerun", bind="query-params")
    for tab, title in zip(tabs, FIGURES, strict=True):
        if tab.open:
            alt = f"{title} of the trials of {sweep.name}, as in the table above"
            tab.plotly_chart(_colored(drawn[title]), key=f"figure-{sweep.name}-{title}", alt=alt)


def _colored(figure: Any) -> Any:
    """A figure in the colors of the page; parallel coordinates have a ground and numbers of their own."""
    theme = st.context.theme.type or "light"
    ground, ink = (st.get_option(f"theme.{theme}.{name}") for name in ("backgroundColor", "textColor"))
    figure.update_layout(paper_bgcolor=ground, plot_bgcolor=ground, height=HEIGHT)
    scale = {"line_reversescale": True} if theme == "dark" else {}  # the best trials are the farthest from the ground
    return figure.update_traces(tickfont_color=ink, rangefont_color=ink, **scale, selector={"type": "parcoords"})


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs={Sweep: lambda sweep: str(sweep.path)})
def _drawn(sweep: Sweep, done: int) -> dict:
    from vit.sweeps import trials

    return trials.figures(sweep)
