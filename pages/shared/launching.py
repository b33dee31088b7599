"""Starting a run from a page: once, however often the button is clicked."""

import threading
import time
from dataclasses import dataclass, field

import streamlit as st

from pages.shared import visitor
from vit.config import RunConfig
from vit.runs import launch

LAUNCHES, NAME = "launches", "run_name"
TRAIN_PAGE = "pages/train/page.py"
ARRIVAL_SECONDS = 3.0  # how long a rerun may still come that knows only the address of before the click


@dataclass
class _Launches:
    """A session's launches.

    At the next click Streamlit runs the script anew beside the one that still works on the last click, and cuts that
    one off where it next uses the session. So none of this is in the session itself, and one click waits for another.

    Attributes:
        name: Of the next run; empty once it is launched.
        launched: The last run; empty before the first.
        arrives_until: Until when (``time.monotonic``) the page shows that run whatever the address says.
    """

    name: str = ""
    launched: str = ""
    arrives_until: float = 0.0
    turn: threading.Lock = field(default_factory=threading.Lock)


def _launches() -> _Launches:
    return st.session_state.setdefault(LAUNCHES, _Launches())


def next_run() -> str:
    """The name that this session's next run will have; used up by ``launch_once``."""
    mine = _launches()
    mine.name = mine.name or launch.new_id()
    return mine.name


def name_field() -> None:
    """The name of the next run, which a person may change."""
    st.session_state[NAME] = next_run()
    st.text_input("Run name", key=NAME, max_chars=64, label_visibility="collapsed", width=170, on_change=_rename)


def _rename() -> None:
    """Take the name that was typed; an empty one is chosen anew."""
    _launches().name = st.session_state[NAME].strip() or launch.new_id()


def launch_once(config: RunConfig) -> str:
    """Launch a run under the session's next name; the second of two fast clicks gets the run of the first.

    It needs that answer: it comes with the address of before the first click and would otherwise lead back there.

    Raises:
        RunError: If the run can't be created.
    """
    mine, owner = _launches(), visitor.current()
    with mine.turn:
        if mine.name:
            launch.launch(config, mine.name, owner)
            mine.launched, mine.name = mine.name, ""
            mine.arrives_until = time.monotonic() + ARRIVAL_SECONDS
    return mine.launched


def arriving() -> str:
    """The run that was launched a moment ago; empty if there is none, or somebody has asked for another since."""
    mine = _launches()
    return mine.launched if time.monotonic() < mine.arrives_until else ""


def configure_another() -> None:
    """Leave the run and go to the form."""
    _launches().arrives_until = 0.0
    st.switch_page(TRAIN_PAGE)
