"""When a run will be done, and how sure that is."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RECENT_ROWS = 60  # that a pace is taken from
BLOCKS = 6  # stretches of them, whose paces are compared; single rows would differ by how many steps fitted in
FEWEST_BLOCKS = 3


@dataclass(frozen=True)
class TimeLeft:
    """A forecast.

    Attributes:
        seconds: Until the last step, validations included.
        spread: Standard deviation of the recent pace, times what is left, in seconds; None if it is too early to say.
    """

    seconds: float
    spread: float | None


def time_left(
    rows: Sequence[dict], validations: Sequence[float], total_steps: int, eval_steps: int | None = None
) -> TimeLeft | None:
    """Time until a run is done if it goes on at the recent pace.

    Args:
        rows: The latest rows of metrics, in order.
        validations: Seconds that the latest validations took.
        total_steps: Of the run.
        eval_steps: Updates between two validations; None leaves validations out.

    Returns:
        None as long as there is no pace to speak of.
    """
    paces = recent_paces(rows)
    if not paces:
        return None
    done = rows[-1]["step"]
    to_train, to_validate = total_steps - done, validations_left(done, total_steps, eval_steps) if validations else 0
    seconds = to_train * sum(paces) / len(paces)
    spread = to_train * statistics.stdev(paces) if len(paces) >= FEWEST_BLOCKS else None
    if to_validate:
        seconds += to_validate * statistics.mean(validations)
        spread_of_one = statistics.stdev(validations) if len(validations) > 1 else 0.0
        spread = None if spread is None else math.hypot(spread, to_validate * spread_of_one)
    return TimeLeft(seconds, spread)


def recent_paces(rows: Sequence[dict]) -> list[float]:
    """Seconds per step in equal stretches of the latest rows, oldest first."""
    recent = [(row["step"], row["time"]) for row in rows[-RECENT_ROWS:] if "time" in row]
    points = [recent[0]] if recent else []
    points += [point for before, point in zip(recent, recent[1:], strict=False) if point[0] > before[0]]
    size = max(1, (len(points) - 1) // BLOCKS)
    edges = points[::-1][::size][::-1]  # the newest is always among them
    return [(end[1] - start[1]) / (end[0] - start[0]) for start, end in zip(edges, edges[1:], strict=False)]


def validations_left(step: int, total_steps: int, eval_steps: int | None) -> int:
    """How often a run is still validated after ``step``; the last step always is."""
    if not eval_steps or step >= total_steps:
        return 0
    return total_steps // eval_steps - step // eval_steps + bool(total_steps % eval_steps)
