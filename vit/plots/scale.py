"""What the colors of a heatmap mean: a range of values and the unit they are told in.

Shares of attention have one scale everywhere, ``attention``, so that a color means the same in every map, image and
page. Other maps are shown ``from_zero``, or ``symmetric`` where their sign means something; both end at the map's own
strongest patch.
"""

from dataclasses import dataclass

import numpy as np

CEILING = 2.0  # times uniform attention; few patches get more
FLAT = 0.05  # a map whose values differ by less than this share of their mean has no pattern worth colors


@dataclass(frozen=True)
class Scale:
    """A linear scale."""

    low: float  # value of the first color
    high: float  # value of the last color; above ``low``
    factor: float = 100.0  # what values are multiplied by for people
    unit: str = "%"  # of the multiplied values, as it follows a number
    clips: bool = False  # whether values above ``high`` are possible; they get the last color, and the bar says so
    rest: float = 0.0  # value that an overlay leaves the image as it is at: what a patch gets that is like all others

    def shares(self, values) -> np.ndarray:
        """Places of values on the scale, clipped to [0, 1]; any shape."""
        values = np.asarray(values, dtype=np.float64)
        return np.clip((values - self.low) / (self.high - self.low), 0, 1)

    def number(self, value: float) -> str:
        """A value for people, without its unit."""
        return f"{value * self.factor:.3g}"

    def text(self, value: float) -> str:
        """A value for people: "4.1x uniform", "6.3%"."""
        return f"{self.number(value)}{self.unit}"

    def ticks(self) -> list[str]:
        """Both ends and the middle in words; the last one carries the unit."""
        last = self.text(self.high) + (" or more" if self.clips else "")
        return [self.number(self.low), self.number((self.low + self.high) / 2), last]


def attention(num_tokens: int) -> Scale:
    """In multiples of uniform attention, 1 / N for each of N tokens: from 0 to ``CEILING``."""
    return Scale(0.0, CEILING / num_tokens, num_tokens, "x uniform", clips=True, rest=1 / num_tokens)


def from_zero(values, unit: str = "") -> Scale:
    """From 0 to the highest value, for maps that are at least 0; a map of zeros gets the first color alone.

    At rest is the mean, as uniform attention is for shares of attention.

    Values without a unit are told in per cent of the highest.
    """
    values = np.asarray(values, dtype=np.float64)
    high = float(values.max()) or 1.0
    factor, unit = (1.0, unit) if unit else (100 / high, "% of the highest")
    return Scale(0.0, high, factor, unit, rest=min(float(values.mean()), high / 2))


def symmetric(values, unit: str = "") -> Scale:
    """As far below 0 as above it, so that 0 has the middle color of ``vit.plots.colors.SIGNED``."""
    farthest = float(np.abs(np.asarray(values)).max()) or 1.0
    return Scale(-farthest, farthest, 1.0, unit)


def is_flat(values) -> bool:
    """Whether a map has no visible pattern: its values differ by less than 5 % of their mean."""
    values = np.asarray(values, dtype=np.float64)
    return bool(np.ptp(values) <= FLAT * abs(values.mean()))
