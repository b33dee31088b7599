"""What paired differences say: an interval, and a sentence that claims no more than it shows."""

import math
import statistics
from dataclasses import dataclass

CONFIDENCE = 0.99  # 95 % would be wrong once in twenty questions, and more often where seeds are added after a look
MATTERS = 0.01  # accuracy; a smaller difference is told as one that decides nothing
MIN_PAIRS = 3  # an interval from two pairs is so wide that it never says anything
METHOD = "paired t interval"


@dataclass(frozen=True)
class Verdict:
    """The mean difference first minus second, in accuracy, with its interval, and what that means."""

    difference: float
    low: float
    high: float
    pairs: int
    sentence: str

    @property
    def is_found(self) -> bool:
        """Whether one of the two is better, by the interval."""
        return self.low > 0 or self.high < 0


def judge(differences: list[float], first: str, second: str) -> Verdict | None:
    """The verdict on paired differences of accuracy, first minus second; None for fewer than ``MIN_PAIRS``.

    The interval is Student's for the mean of paired differences (Student 1908), mean ± t * s / sqrt(n).
    """
    if len(differences) < MIN_PAIRS:
        return None
    from scipy.special import stdtrit  # here, because pages that list questions do not need it

    n, mean = len(differences), statistics.fmean(differences)
    t = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2))
    half = t * statistics.stdev(differences) / math.sqrt(n)
    low, high = mean - half, mean + half
    return Verdict(mean, low, high, n, _sentence(mean, low, high, n, first, second))


def _sentence(mean: float, low: float, high: float, pairs: int, first: str, second: str) -> str:
    if low <= 0 <= high:
        shown = f"{first} minus {second}: {_signed(mean)} {_interval(low, high, pairs)}"
        if max(-low, high) < MATTERS:
            return f"No difference that matters: less than {_points(MATTERS)} either way. {shown}."
        return f"Not enough evidence. {shown}."
    better, worse = (first, second) if mean > 0 else (second, first)
    low, high = sorted((abs(low), abs(high)))
    words = f"{better} is better than {worse} by {_points(abs(mean))} {_interval(low, high, pairs)}"
    small = f"; a difference below {_points(MATTERS)} hardly matters" if abs(mean) < MATTERS else ""
    return f"{words}{small}."


def _interval(low: float, high: float, pairs: int) -> str:
    return f"({CONFIDENCE:.0%} CI {100 * low:.1f} to {100 * high:.1f}, {METHOD}, {pairs} seeds)"


def _points(share: float) -> str:
    value = f"{100 * share:.1f}".removesuffix(".0")
    return f"{value} {'point' if value == '1' else 'points'}"


def _signed(share: float) -> str:
    return f"{100 * share:+.1f} points"
