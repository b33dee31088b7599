"""Events, hardware, settings and log below the charts; only the open tab is read."""

from functools import partial

import streamlit as st

from pages.shared import launching
from pages.shared.literal import literal
from pages.train import command
from pages.train.live import hardware
from vit import processes, rules, text
from vit.errors import VitError
from vit.runs.directory import Event, Run, read_records
from vit.runs.metrics import MetricsTail
from vit.runs.plan import Plan

TABS = ["Events", "Hardware", "Settings", "Log"]
HEIGHT = 320  # pixels
LINES = 200  # of the log
FACTS = {"device_name": "device", "processes": "processes", "threads": "threads each"}
FACTS |= {"precision": "precision", "torch": "torch"}


def draw(run: Run, tail: MetricsTail, events: list[Event], plan: Plan | None) -> None:
    """The tabs."""
    bodies = (
        partial(_events, events),
        partial(hardware.draw, run, tail, plan),
        partial(_settings, run, events, plan),
        partial(_log, run),
    )
    for tab, body in zip(st.tabs(TABS, key="tab", on_change="rerun", bind="query-params"), bodies, strict=True):
        if tab.open:
            with tab:
                body()


def events(run: Run) -> list[Event]:
    """A run's events, oldest first; read again only when there are more."""
    path = run.events_path
    stat = path.stat() if path.exists() else None
    return _read(run, (stat.st_mtime_ns, stat.st_size) if stat else None)


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs={Run: lambda run: str(run.path)})
def _read(run: Run, version: tuple[int, int] | None) -> list[Event]:
    return read_records(run.events_path, Event)


def _events(found: list[Event]) -> None:
    if not found:
        st.caption("No events yet.")
    with st.container(height=HEIGHT, border=False, gap="xsmall") if len(found) > 8 else st.container(gap="xsmall"):
        for event in reversed(found):
            st.markdown(f":gray[{text.clock(event.time)} · step {event.step:,}] · {literal(event.text)}")


def _settings(run: Run, found: list[Event], plan: Plan | None) -> None:
    try:
        raw = rules.read(run.config_path).to_json()
        shell = command.line(raw, plan)
    except VitError as error:
        st.error(literal(error))
        return
    label, again = "New run with these settings", command.query(raw)
    st.page_link(launching.TRAIN_PAGE, label=label, icon=":material/tune:", query_params=again)
    st.caption("The same run from a shell:")
    st.code(shell, language="bash", wrap_lines=True)
    if any(event.kind == "changed" for event in found):
        st.caption("What was changed or extended while it trained is not part of the command.")
    if plan:
        facts = [f"{label} {getattr(plan, name)}" for name, label in FACTS.items()]
        facts.append(f"{plan.num_train:,} train and {plan.num_val:,} val images")
        st.caption(" · ".join(facts))
    st.json(raw, expanded=1)


def _log(run: Run) -> None:
    wanted = st.text_input(
        "Search the log", key="find", bind="query-params", icon=":material/search:", width=360, live=True
    ).strip()
    if wanted:
        count, shown = processes.log_search(run.log_path, wanted, LINES)
        last = f"; the last {LINES}" if count > LINES else ""
        st.caption(f"{text.counted(count, 'line')} with {literal(wanted)}{last}.")
    else:
        shown = processes.log_tail(run.log_path, LINES) or "The log is empty."
    with st.container(height=HEIGHT, autoscroll=True, border=False):
        st.code(shown, language=None, wrap_lines=True)
