"""One run from top to bottom, drawn anew every few seconds while it lives."""

import streamlit as st

from pages.shared import curves, heading, launching, mistakes, refresh
from pages.shared.literal import literal
from pages.train.live import charts, details, doctor, hardware, header, notify, tracked
from vit import text
from vit.errors import RunError
from vit.runs import eta, status
from vit.runs.directory import Run
from vit.runs.metrics import MetricsTail, Rows
from vit.runs.plan import Plan, read_plan
from vit.runs.status import RunState

DAMAGED = "damaged_plan"
VALIDATIONS = 8  # the latest ones, whose time tells how long the others will take
FIGURES = {
    "train_loss": ("Train loss", ".3f"),
    "val_loss": ("Val loss", ".3f"),
    "val_accuracy": ("Val accuracy", ".1%"),
    "images_per_second": ("Images/s", ",.0f"),
    "lr": ("Learning rate", ".1e"),
    "grad_norm": ("Gradient norm", ".2f"),
}


def draw(run_id: str) -> None:
    """The run of that name, live as long as it lives; afterwards the page is quiet."""
    try:
        run = Run.find(run_id)
    except RunError as error:
        heading.row("Train")
        message = literal(error)
        st.error(f"{message[:1].upper()}{message[1:]}. It may have been deleted, or it is on another machine.")
        st.page_link(launching.TRAIN_PAGE, label="Configure a new run", icon=":material/tune:")
        return
    every = refresh.seconds(status.state_of(run))
    st.fragment(_live, run_every=every)(run, every)


def _live(run: Run, every: int | None) -> None:
    """Everything that changes. When the run has ended, begun anew or come of age, the whole page starts over."""
    now = status.state_of(run)
    if refresh.seconds(now) != every:
        st.rerun()
    tail, plan = curves.tail(run), None
    rows, events = tail.read(), details.events(run)
    with mistakes.kept(DAMAGED):
        plan = read_plan(run)
    header.draw(run, now, _time_left(tail, rows, now, plan), plan)
    mistakes.told(DAMAGED)
    _figures(tail, plan)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        hardware.line(tail)
        notify.draw(run, now)
    doctor.draw(run, now, tail, rows, plan)
    if rows:
        charts.draw(run, tail, rows, events, plan)
        if plan:
            tracked.draw(run, plan)
    elif now.is_alive:
        charts.reserve()
    details.draw(run, tail, events, plan)


def _time_left(tail: MetricsTail, rows: Rows, now: RunState, plan: Plan | None) -> eta.TimeLeft | None:
    if not now.is_alive or not now.status.total_steps:
        return None
    validations = tail.latest("val_seconds", VALIDATIONS)
    return eta.time_left(
        rows[-eta.RECENT_ROWS :], validations, now.status.total_steps, plan.eval_steps if plan else None
    )


def _figures(tail: MetricsTail, plan: Plan | None) -> None:
    """The latest figures in one row; a dash where there is none yet."""
    values = tail.latest("val_accuracy", 2)
    gain = f"; {100 * (values[-1] - values[-2]):+.1f} points since the last validation" if len(values) > 1 else ""
    helps = {"val_accuracy": f"Share of validation images that are classified correctly{gain}."}
    with st.grid(6, min_column_width=130, gap="small"):
        for metric, (label, form) in FIGURES.items():
            latest = next(iter(tail.latest(metric)), None)
            value, few = text.number(latest, form).replace("e-0", "e-"), None
            if metric == "val_accuracy" and plan and plan.num_val <= text.FEW:
                few = text.share_of(latest, plan.num_val)
            quiet = {"delta": few, "delta_color": "off", "delta_arrow": "off", "height": "stretch"}
            st.metric(label, value, border=True, help=helps.get(metric), **quiet)
