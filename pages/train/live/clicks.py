"""A click counts once, also if it arrives twice.

A page that looks again by itself sends with each look what was clicked and is not sent yet; then the click itself is
sent (Streamlit 1.67). An impatient person clicks twice, too.
"""

import time
from pathlib import Path

from vit import paths

TWICE_SECONDS = 2.0
_last: dict[Path, tuple[str, float]] = {}  # by run: what was done last, and when


def is_repeated(run_id: str, *asked: object) -> bool:
    """Whether the same was done to a run a moment ago, and nothing else since."""
    before, at = _last.get(paths.runs_root() / run_id, ("", 0.0))
    return repr(asked) == before and time.monotonic() - at < TWICE_SECONDS


def remember(run_id: str, *asked: object) -> None:
    """What was done to a run; what was refused may be asked again at once."""
    _last[paths.runs_root() / run_id] = repr(asked), time.monotonic()
