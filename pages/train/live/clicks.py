"""A click counts once, also if it arrives twice.

A page that looks again by itself sends with each look what was clicked and is not sent yet; then the click itself is
sent (Streamlit 1.67). An impatient person clicks twice, too.
"""

import time
from pathlib import Path

from vit import paths

TWICE_SECONDS = 2.0
_last: dict[Path, tuple[str, float]] = {}  # by run: what was asked for last, and when


def is_repeated(run_id: str, *asked: object) -> bool:
    """Whether the same was asked of a run a moment ago, and nothing else since."""
    run, words, now = paths.runs_root() / run_id, repr(asked), time.monotonic()
    before, at = _last.get(run, ("", 0.0))
    _last[run] = words, now
    return words == before and now - at < TWICE_SECONDS
