"""Starting a run from a page: once, however often the button is clicked."""

import time

import streamlit as st

from pages.shared import visitor
from vit.config import RunConfig
from vit.errors import RunError
from vit.runs import launch

TOKEN, LAUNCHED, NAME = "next_run", "launched_run", "run_name"
TRAIN_PAGE = "pages/train/page.py"
ARRIVAL = "arrives_until"
ARRIVAL_SECONDS = 3.0  # how long a rerun may still come that knows only the address of before the click


def next_run() -> str:
    """The name that this session's next run will have; used up by ``launch_once``."""
    return st.session_state.setdefault(TOKEN, launch.new_id())


def name_field() -> None:
    """The name of the next run, which a person may change."""
    st.session_state[NAME] = next_run()
    st.text_input("Run name", key=NAME, max_chars=64, label_visibility="collapsed", width=170, on_change=_rename)


def _rename() -> None:
    """Take the name that was typed; an empty one is chosen anew."""
    st.session_state[TOKEN] = st.session_state[NAME].strip() or launch.new_id()


def launch_once(config: RunConfig) -> str:
    """Launch a run under the session's next name; the second of two fast clicks gets the run of the first.

    It needs that answer: it comes with the address of before the first click and would otherwise lead back there.

    Raises:
        RunError: If the run can't be created.
    """
    if TOKEN not in st.session_state:
        return st.session_state[LAUNCHED]
    # The second click cuts the first one's script off at its next use of the session, so that comes before the launch.
    run_id = st.session_state[LAUNCHED] = st.session_state[TOKEN]
    st.session_state[ARRIVAL] = time.monotonic() + ARRIVAL_SECONDS
    del st.session_state[TOKEN]
    try:
        launch.launch(config, run_id, visitor.current())
    except RunError:
        st.session_state[TOKEN] = run_id
        del st.session_state[ARRIVAL]
        raise
    return run_id


def arriving() -> str | None:
    """The run that was launched a moment ago, unless somebody has asked for another since."""
    return st.session_state[LAUNCHED] if time.monotonic() < st.session_state.get(ARRIVAL, 0) else None


def configure_another() -> None:
    """Leave the run and go to the form."""
    st.session_state.pop(ARRIVAL, None)
    st.switch_page(TRAIN_PAGE)
