"""Starting a run from a page: once, however often the button is clicked."""

import streamlit as st

from vit.config import RunConfig
from vit.errors import RunError
from vit.runs import launch, names

TOKEN = "next_run"
TRAIN_PAGE = "pages/train/page.py"


def next_run() -> str:
    """The name that this session's next run will have; used up by ``launch_once``."""
    return st.session_state.setdefault(TOKEN, names.new_id())


def launch_once(config: RunConfig) -> str | None:
    """Launch a run under the session's next name; the second of two fast clicks finds the name used up.

    Returns:
        The run's name, or None if this click has already been served.

    Raises:
        RunError: If the run can't be created.
    """
    run_id = st.session_state.pop(TOKEN, None)
    if run_id is None:
        return None
    try:
        launch.launch(config, run_id)
    except RunError:
        st.session_state[TOKEN] = names.new_id()
        raise
    return run_id
