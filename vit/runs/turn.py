"""When a waiting run can be expected to begin."""

from vit import forecast
from vit.data import catalog
from vit.errors import VitError
from vit.rules import read
from vit.runs import queue
from vit.runs.directory import Run
from vit.runs.status import RunState, living


def seconds_until(run_id: str) -> float | None:
    """Seconds until the turn of a waiting run, if one run computes at a time.

    Returns:
        None if it doesn't wait, or if nobody knows how long a run before it takes.
    """
    ids = queue.waiting()
    if run_id not in ids:
        return None
    before = ids[: ids.index(run_id)]
    ahead = [state for state in living() if state.id in before or state.id not in ids]
    left = [_seconds_left(state) for state in ahead]
    return sum(seconds for seconds in left if seconds is not None) if None not in left else None


def _seconds_left(state: RunState) -> float | None:
    """Of a run that trains, at its own pace; of one that has not begun, as foretold; None for a paused one."""
    status = state.status
    if state.state == "paused":
        return None
    if status.step and status.seconds and status.total_steps:
        return status.seconds / status.step * (status.total_steps - status.step)
    try:
        config = read(Run.find(state.id).config_path)
        info = catalog.describe(config.data.source)
    except VitError:  # its worker will say so, and then the next one begins
        return 0.0
    if config.train.minutes is not None:
        return 60 * config.train.minutes
    foretold = forecast.of(config, info.classes, info.counts.get("train", 0), info.counts.get("test", 0))
    return foretold.seconds if foretold else None
