""" "I have ten minutes": fills the form with what is expected to bring most, and says why."""

import streamlit as st

from pages.shared import mistakes
from pages.train.form import state
from vit import budget
from vit.runs import speed

MINUTES, ASKED, ADVICE = "form.budget", "budget_asked", "budget_advice"
REFRESH_SECONDS = 1
MOST_MINUTES = 10_000.0


def follow() -> None:
    """Go on with what was asked for: measure what has to be, one after the other, then fill the form."""
    asked = st.session_state.get(ASKED)
    if asked is None or (asked["measured"] and speed.is_measuring(asked["measured"][-1])):
        return
    with mistakes.kept():
        info, done = state.data_info(), st.session_state.pop(ASKED)
        unknown = budget.to_measure(done["minutes"], info) if len(done["measured"]) < budget.MOST_MEASURED else None
        if unknown and unknown not in done["measured"]:
            speed.measure(unknown)
            st.session_state[ASKED] = {**done, "measured": [*done["measured"], unknown]}
        else:
            candidates = budget.ranked(done["minutes"], info)
            state.fill(candidates[0].preset, candidates[0].settings)
            st.session_state[ADVICE] = (budget.reasons(candidates, done["minutes"]), state.content())


def ask() -> None:
    """The question."""
    with st.popover("I have … minutes", icon=":material/timer:"):
        limits = {"min_value": 0.5, "max_value": MOST_MINUTES, "step": 1.0, "format": "%g"}
        st.number_input("Minutes until it is done", value=10.0, key=MINUTES, persist_state="session", **limits)
        st.button("Recommend", key="recommend", icon=":material/lightbulb:", on_click=_ask)


def answer() -> None:
    """How far the answer is, and afterwards the reasons, until the form is changed."""
    if st.session_state.get(ASKED):
        st.fragment(_measuring, run_every=REFRESH_SECONDS)()
    lines, content = st.session_state.get(ADVICE, ([], None))
    if lines and content == state.content():
        st.info("  \n".join(lines), icon=":material/lightbulb:")


def _ask() -> None:
    st.session_state[ASKED] = {"minutes": st.session_state[MINUTES], "measured": []}


def _measuring() -> None:
    """A line that starts the page anew once the measurement is done."""
    measured = st.session_state[ASKED]["measured"]
    if not speed.is_measuring(measured[-1]):
        st.rerun()
    st.progress(len(measured) / (budget.MOST_MEASURED + 1), text="Measuring how fast this machine trains candidates")
    st.button("Cancel", key="cancel_budget", on_click=lambda: st.session_state.pop(ASKED))
