"""How often a page looks at a run: often while it is young, then seldom, because on a CPU looking takes from it."""

import time
from uuid import uuid4

import streamlit as st

from vit.runs.status import RunState

YOUNG_SECONDS, OLD_SECONDS = 60, 2 * 3600  # of training
OFTEN, SELDOM, RARELY = 2, 5, 10  # seconds; of two hours, ten seconds are hardly a pixel
CROWD = 10  # visitors; with every so many, all look less often by ``SELDOM`` seconds
GONE_SECONDS = 120  # since a visitor's last look


def seconds(run: RunState) -> int | None:
    """Seconds until the next look; None if nothing will change any more."""
    if not run.is_alive:
        return None
    trained = run.status.seconds
    own = OFTEN if trained < YOUNG_SECONDS else SELDOM if trained < OLD_SECONDS else RARELY
    return max(own, SELDOM * (_visitors() // CROWD))


def aside_seconds(run: RunState) -> int | None:
    """The same for what is beside the run's own page, such as the card that follows to every page."""
    own = seconds(run)
    return own and 2 * own


def _visitors() -> int:
    """How many look at living runs now, this one included."""
    seen, now = _last_looks(), time.monotonic()
    seen[st.session_state.setdefault("visitor", uuid4().hex)] = now
    for visitor, last in list(seen.items()):
        if now - last > GONE_SECONDS:
            seen.pop(visitor, None)
    return len(seen)


@st.cache_resource(show_spinner=False)
def _last_looks() -> dict[str, float]:
    """When each visitor looked last, on the monotonic clock."""
    return {}
