"""How often a page looks at a run: often while it is young, then seldom, because on a CPU looking takes from it."""

from vit.runs.status import RunState

YOUNG_SECONDS = 60  # of training
OFTEN, SELDOM = 2, 5  # seconds


def seconds(run: RunState) -> int | None:
    """Seconds until the next look; None if nothing will change any more."""
    if not run.is_alive:
        return None
    return OFTEN if run.status.seconds < YOUNG_SECONDS else SELDOM


def aside_seconds(run: RunState) -> int | None:
    """The same for what is beside the run's own page, such as the card that follows to every page."""
    own = seconds(run)
    return own and 2 * own
