"""Which runs are selected: their names in the address, in the order in which they were chosen."""

import streamlit as st

from vit import paths
from vit.runs.summary import Summary

PARAMETER, PICKED = "runs", "runs_picked"


def names() -> list[str]:
    """The names in the address that can be a run's."""
    wanted = st.query_params.get(PARAMETER, "").split(",")
    return list(dict.fromkeys(name for name in wanted if paths.NAME.fullmatch(name)))


def choose(run_ids: list[str]) -> None:
    """Select exactly these."""
    if run_ids:
        st.query_params[PARAMETER] = ",".join(run_ids)
    else:
        st.query_params.pop(PARAMETER, None)


def draw(runs: list[Summary]) -> None:
    """The selected runs as a list to type into, which needs no mouse; the table above is the other way to choose."""
    known = [run.id for run in runs]
    wanted = [name for name in names() if name in known]
    if st.session_state.get(PICKED) != wanted:
        st.session_state[PICKED] = wanted
    words = "Select runs in the table or here, to see them side by side"
    st.multiselect("Selected runs", known, key=PICKED, on_change=_pick, placeholder=words, label_visibility="collapsed")


def _pick() -> None:
    choose(st.session_state[PICKED])


def of(runs: list[Summary]) -> list[Summary]:
    """The selected ones of these runs."""
    known = {run.id: run for run in runs}
    return [known[name] for name in names() if name in known]
