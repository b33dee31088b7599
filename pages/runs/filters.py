"""What narrows the table down and orders it; all of it is in the address."""

from collections.abc import Callable
from typing import Any, get_args

import streamlit as st

from vit.runs.status import State
from vit.runs.summary import Summary

NEWEST = "newest first"
LOWEST = float("-inf")
LOOK: Any = {"label_visibility": "collapsed", "bind": "query-params"}
ORDERS: dict[str, Callable[[Summary], Any]] = {
    "best val accuracy": lambda run: -(_or_lowest(run.state.status.best_val_accuracy)),
    "best test accuracy": lambda run: -(_or_lowest(run.test_accuracy)),
    "longest training": lambda run: -run.state.status.seconds,
    "name": lambda run: run.id,
}


def choose(runs: list[Summary]) -> list[Summary]:
    """Draw the filters and the order; returns the runs that pass, in that order."""
    with st.container(horizontal=True, gap="small"):
        words = st.text_input("Search", key="q", placeholder="Search name, note, data", width=200, **LOOK)
        states = st.multiselect("State", get_args(State), key="state", placeholder="Any state", width=150, **LOOK)
        data = _some_of("data", "Any data", {run.state.launch.data for run in runs}, least=2)
        tags = _some_of("tag", "Any tag", {tag for run in runs for tag in run.about.tags}, least=1)
        order = st.selectbox("Order", [NEWEST, *ORDERS], key="sort", width=180, **LOOK)
    kept = [
        run
        for run in runs
        if run.matches(words or "")
        and (not states or run.state.state in states)
        and (not data or run.state.launch.data in data)
        and (not tags or set(run.about.tags) & set(tags))
    ]
    return kept if order == NEWEST else sorted(kept, key=ORDERS[order])


def _some_of(key: str, placeholder: str, options: set[str], least: int) -> list[str]:
    """Some of the values that there are; nothing to choose where there are fewer than ``least``."""
    if len(options) < least and key not in st.query_params:
        return []
    return st.multiselect(key.capitalize(), sorted(options), key=key, placeholder=placeholder, width=150, **LOOK)


def _or_lowest(value: float | None) -> float:
    return LOWEST if value is None else value
