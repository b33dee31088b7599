"""One run from top to bottom, drawn anew every few seconds while it lives."""

import streamlit as st

from pages.shared import heading, launching, mistakes, refresh
from pages.shared.literal import literal
from pages.train import command
from pages.train.live import charts, doctor, header, tracked
from vit import processes, rules, text
from vit.errors import RunError, VitError
from vit.runs import metrics, status
from vit.runs.directory import Event, Run, read_records
from vit.runs.metrics import MetricsTail
from vit.runs.plan import Plan, read_plan

TABS = ["Events", "Settings", "Log"]
HEIGHT = 320  # pixels
FIGURES = {
    "train_loss": ("Train loss", ".3f"),
    "val_loss": ("Val loss", ".3f"),
    "val_accuracy": ("Val accuracy", ".1%"),
    "images_per_second": ("Images/s", ",.0f"),
    "lr": ("Learning rate", ".1e"),
    "grad_norm": ("Gradient norm", ".2f"),
}
FACTS = {"device_name": "device", "processes": "processes", "threads": "threads each"}
FACTS |= {"precision": "precision", "torch": "torch"}


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
    rows, plan = _tail(run).read(), None
    header.draw(run, now, rows)
    with mistakes.shown():
        plan = read_plan(run)
    _figures(rows)
    doctor.draw(run, now, rows, plan)
    if rows:
        charts.draw(run, rows, plan)
        if plan:
            tracked.draw(run, plan)
    elif now.is_alive:
        charts.reserve()
    _details(run, plan)


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs={Run: lambda run: str(run.path)})
def _tail(run: Run) -> MetricsTail:
    """The reader that all visitors share; it remembers how far it has read."""
    return MetricsTail(run)


def _figures(rows: list[dict]) -> None:
    """The latest figures in one row; a dash where there is none yet."""
    values = metrics.curve(rows, "val_accuracy")[1]
    gain = f"; {100 * (values[-1] - values[-2]):+.1f} points since the last validation" if len(values) > 1 else ""
    helps = {"val_accuracy": f"Share of validation images that are classified correctly{gain}."}
    with st.grid(6, min_column_width=130, gap="small"):
        for metric, (label, form) in FIGURES.items():
            latest = next((row[metric] for row in reversed(rows) if row.get(metric) is not None), None)
            st.metric(label, text.number(latest, form).replace("e-0", "e-"), border=True, help=helps.get(metric))


def _details(run: Run, plan: Plan | None) -> None:
    """Events, settings and log below the charts; only the open tab is read."""
    tabs = st.tabs(TABS, key="tab", on_change="rerun", bind="query-params")
    for tab, body in zip(tabs, (_events, _settings, _log), strict=True):
        if tab.open:
            with tab:
                body(run, plan)


def _events(run: Run, plan: Plan | None) -> None:
    events = read_records(run.events_path, Event)
    if not events:
        st.caption("No events yet.")
    with st.container(height=HEIGHT, border=False, gap="xsmall") if len(events) > 8 else st.container(gap="xsmall"):
        for event in reversed(events):
            st.markdown(f":gray[{text.clock(event.time)} · step {event.step:,}] · {literal(event.text)}")


def _settings(run: Run, plan: Plan | None) -> None:
    try:
        raw = rules.read(run.config_path).to_json()
        shell = command.line(raw)
    except VitError as error:
        st.error(literal(error))
        return
    st.caption("The same run from a shell:")
    st.code(shell, language="bash", wrap_lines=True)
    if plan:
        facts = [f"{label} {getattr(plan, name)}" for name, label in FACTS.items()]
        facts.append(f"{plan.num_train:,} train and {plan.num_val:,} val images")
        st.caption(" · ".join(facts))
    st.json(raw, expanded=1)


def _log(run: Run, plan: Plan | None) -> None:
    with st.container(height=HEIGHT, autoscroll=True, border=False):
        st.code(processes.log_tail(run.log_path, 200) or "The log is empty.", language=None, wrap_lines=True)
