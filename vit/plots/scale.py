"""What the colours of a heatmap mean: a range of values and the unit they are told in.

Scales for shares of attention answer different questions: ``absolute`` (is this more than in another picture?),
``times_uniform`` (is this more than attention that looks everywhere alike?), ``shared`` (the same of many maps, which
of them has more?) and ``per_map`` (where is this map highest?). Other maps are shown ``from_zero``, or ``symmetric``
where their sign means something.
"""

import math
from dataclasses import dataclass

import numpy as np

USUAL = 0.99  # share of values that a shared scale has to hold
FLAT = 0.05  # a map whose values differ by less than this share of their mean has no pattern worth colours


@dataclass(frozen=True)
class Scale:
    """A linear scale.

    Attributes:
        low: Value of the first colour.
        high: Value of the last colour; above ``low``.
        factor: What values are multiplied by for people.
        unit: Of the multiplied values, as it follows a number.
        clips: Whether values above ``high`` are possible; they get the last colour, and the bar says so.
    """

    low: float
    high: float
    factor: float = 100.0
    unit: str = " %"
    clips: bool = False

    def shares(self, values) -> np.ndarray:
        """Places of values on the scale, clipped to [0, 1]; any shape."""
        values = np.asarray(values, dtype=np.float64)
        return np.clip((values - self.low) / (self.high - self.low), 0, 1)

    def number(self, value: float) -> str:
        """A value for people, without its unit."""
        return f"{value * self.factor:.3g}"

    def text(self, value: float) -> str:
        """A value for people: "4.1x uniform", "6.3 %"."""
        return f"{self.number(value)}{self.unit}"


def absolute(most: float) -> Scale:
    """From no attention to ``most`` of it (a share of 1): the same colours in every picture."""
    return Scale(0.0, most, clips=True)


def times_uniform(values, num_tokens: int) -> Scale:
    """In multiples of 1 / N, what attention that looks everywhere alike would give to each of N tokens.

    Starts at 0 and ends at a round number, at least 2, so that an even map stays evenly coloured.
    """
    top = _round_up(max(2.0, float(np.max(np.asarray(values))) * num_tokens))
    return Scale(0.0, top / num_tokens, num_tokens, "x uniform")


def shared(values, num_tokens: int) -> Scale:
    """In multiples of 1 / N for many maps at once: one scale that few values exceed, so that most maps show a pattern.

    Ends at a round number, at least 2, that 99 % of all values stay below; the bar says that there is more.
    """
    values = np.asarray(values, dtype=np.float64)
    usual = float(np.quantile(values, USUAL))
    top = _round_up(max(2.0, usual * num_tokens))
    return Scale(0.0, top / num_tokens, num_tokens, "x uniform", clips=float(values.max()) * num_tokens > top)


def per_map(values) -> Scale:
    """From the map's own lowest to its own highest value; a flat map isn't stretched but gets one middle colour."""
    values = np.asarray(values, dtype=np.float64)
    if is_flat(values):
        return Scale(0.0, 2 * float(values.mean()) or 1.0)
    return Scale(float(values.min()), float(values.max()))


def from_zero(values, unit: str = "") -> Scale:
    """From 0 to the highest value, for maps that are at least 0; a map of zeros gets the first colour alone."""
    return Scale(0.0, float(np.max(np.asarray(values))) or 1.0, 1.0, unit)


def symmetric(values, unit: str = "") -> Scale:
    """As far below 0 as above it, so that 0 has the middle colour of ``vit.plots.colors.DIVERGING``."""
    farthest = float(np.abs(np.asarray(values)).max()) or 1.0
    return Scale(-farthest, farthest, 1.0, unit)


def is_flat(values) -> bool:
    """Whether a map has no visible pattern: its values differ by less than 5 % of their mean."""
    values = np.asarray(values, dtype=np.float64)
    return bool(np.ptp(values) <= FLAT * abs(values.mean()))


def _round_up(value: float) -> float:
    """The next of ..., 1, 2, 3, 5, 10, 20, 30, 50, ..."""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 3, 5, 10) if step * power >= value * (1 - 1e-9))
