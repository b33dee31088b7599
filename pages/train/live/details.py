"""The run's log, settings and events; only the open tab is read."""

import streamlit as st

from pages.shared import words
from pages.train import command
from vit import processes, rules
from vit.errors import VitError
from vit.runs.directory import Run, read_lines
from vit.runs.plan import Plan

TABS = ["Events", "Settings", "Log"]
HEIGHT = 320
FACTS = {"device_name": "device", "processes": "processes", "threads": "threads each"}
FACTS |= {"precision": "precision", "torch": "torch"}


def draw(run: Run, plan: Plan | None) -> None:
    """The tabs below the charts."""
    tabs = st.tabs(TABS, key="tab", on_change="rerun", bind="query-params")
    for tab, body in zip(tabs, (_events, _settings, _log), strict=True):
        if tab.open:
            with tab:
                body(run, plan)


def _events(run: Run, plan: Plan | None) -> None:
    events = read_lines(run.events_path)
    if not events:
        st.caption("Nothing has happened yet.")
    with st.container(height=HEIGHT, border=False, gap="xsmall") if len(events) > 8 else st.container(gap="xsmall"):
        for event in reversed(events):
            st.markdown(f":gray[{words.clock(event['time'])} · step {event['step']:,}] · {event['text']}")


def _settings(run: Run, plan: Plan | None) -> None:
    try:
        raw = rules.read(run.config_path).to_json()
        shell = command.line(raw)
    except VitError as error:
        st.error(str(error))
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
