"""What validation accuracy a run can be expected to reach, from recorded runs on the same data.

The method is kriging (Gaussian-process regression; Rasmussen & Williams 2006, chapter 2) of the logarithm of the error:

- The error is taken as a share of that of guessing. Over the epochs it follows a power law, a line in logarithms, as it
  does in practice between a tenth of an epoch and some dozens.
- Level and slope of the line are shared by all runs on the data, and each recipe has its own deviation from both.
  Recipes deviate alike the nearer they are: exp(-distance), with the distance of ``vit.experience``.
- A recorded accuracy has the error of counting so many images, and that of a seed.

The result is the likeliest line for the recipe and its spread, which widens with the distance to what was recorded,
and with the length beyond it. Spreads are scaled by what they were worth: every run, and every recipe, is predicted
from all others, and the misses are compared with the spreads.
"""

import math
from collections.abc import Sequence

import numpy as np

from vit import experience
from vit.config import RunConfig
from vit.data.cifar10 import CLASSES
from vit.data.store import DatasetInfo
from vit.experience import Experience
from vit.runs.directory import Count, Record, Share
from vit.text import percent

NUM_TRAIN = 50_000  # of CIFAR-10
BAND = 1.2816  # standard deviations on either side that hold 80 %
NEAR = 0.8  # distance within which a recorded run is similar
FARTHEST = 2.0  # distance beyond which it tells nothing
BEYOND = 2.5  # how far outside the recorded lengths, as a factor
WIDEST = 0.35  # a band that is no use any more
MOST_RUNS = 200  # the latest ones, which keeps the answer within milliseconds
# Before anything is seen: the error after one epoch and its slope, how far data sets and recipes are from both.
LEVEL, SLOPE = math.log(0.5), -0.27
LEVEL_SPREAD, SLOPE_SPREAD = 1.0, 0.3
RECIPE_LEVEL, RECIPE_SLOPE = 0.3, 0.08
SEED_SPREAD = 0.035
PRIOR_GROUPS = 15.0  # how many misses the unscaled spread counts as
SHARES = tuple(round(0.05 * part, 2) for part in range(1, 21))  # of a run, at which its curve is told
MOST_CURVES = 8  # of the most similar runs, from which a curve takes its shape


class Expected(Record):
    """The best validation accuracy to expect, 0..1.

    Attributes:
        accuracy: The likeliest one.
        low: Lower end of the band that holds the true one with 80 %.
        high: Its upper end.
        count: Similar runs that this is based on.
    """

    accuracy: Share
    low: Share
    high: Share
    count: Count


class Expectation:
    """What recorded runs on one data set say together.

    Args:
        seen: The runs, as ``experience.of_data`` finds them.
    """

    def __init__(self, seen: Sequence[Experience]):
        self.seen = seen[-MOST_RUNS:]
        self._places = [experience.place(run.config, run.images) for run in self.seen]
        self._lengths = np.log([run.epochs for run in self.seen])
        self._errors = np.array([_log_error(run.val_accuracy, run) for run in self.seen])
        self._distances = np.array([experience.distances(place, self._places) for place in self._places])
        self._distances = self._distances.reshape(len(self.seen), len(self.seen))
        covariance = _covariance(self._distances, self._lengths[:, None], self._lengths)
        self._inverse = np.linalg.inv(covariance + np.diag([_noise(run) for run in self.seen]))
        self._weights = self._inverse @ (self._errors - _prior(self._lengths))
        self._scale = self._calibrated()

    def of(self, config: RunConfig, epochs: float) -> Expected | None:
        """What a run of that many epochs can be expected to reach.

        Returns:
            None if nothing comparable was recorded: a recipe too far away, a length far beyond the recorded ones, or
            too few runs to tell anything.
        """
        if not self.seen:
            return None
        distances = experience.distances(experience.place(config, self.seen[0].images), self._places)
        known = np.exp(self._lengths[distances < FARTHEST])
        if not len(known) or not known.min() / BEYOND <= epochs <= known.max() * BEYOND:
            return None
        middle, spread = self._at(distances, math.log(epochs))
        count = max(1, int((distances < NEAR).sum()))
        low, accuracy, high = self._band(middle, spread)
        return Expected(accuracy=accuracy, low=low, high=high, count=count) if high - low < WIDEST else None

    def curve(self, config: RunConfig, epochs: float) -> list[tuple[float, float, float, float]]:
        """How such a run gets there: (share of the run, accuracy, low, high), in the shape of the most similar runs."""
        distances = experience.distances(experience.place(config, self.seen[0].images), self._places)
        middle, spread = self._at(distances, math.log(epochs))
        apart = distances + np.abs(self._lengths - math.log(epochs))
        nearest = np.argsort(apart)[:MOST_CURVES]
        shapes = np.stack([_shape(self.seen[index]) for index in nearest])  # (m, shares)
        weights = np.exp(-apart[nearest])
        mean = np.average(shapes, axis=0, weights=weights)
        unlike = np.average((shapes - mean) ** 2, axis=0, weights=weights)
        bands = [self._band(middle + mean[i], math.sqrt(spread**2 + unlike[i])) for i in range(len(SHARES))]
        return [(share, accuracy, low, high) for share, (low, accuracy, high) in zip(SHARES, bands, strict=True)]

    def left_out(self) -> list[tuple[Experience, Expected]]:
        """Each run, and what would be expected of it if its recipe had never been recorded at any length."""
        found = []
        for group in self._recipes():
            misses, spreads = self._misses(group)
            for index, miss, spread in zip(group, misses, spreads, strict=True):
                low, accuracy, high = self._band(self._errors[index] - miss, self._scale * spread)
                found.append((self.seen[index], Expected(accuracy=accuracy, low=low, high=high, count=0)))
        return found

    def _at(self, distances: np.ndarray, length: float) -> tuple[float, float]:
        """The logarithm of the error to expect, and its spread; a new seed and a count of images included."""
        shared = _covariance(distances, length, self._lengths)  # (n,)
        alone = _covariance(0.0, length, length) + float(np.median([_noise(run) for run in self.seen]))
        variance = alone - shared @ self._inverse @ shared
        return float(_prior(length) + shared @ self._weights), self._scale * math.sqrt(max(variance, SEED_SPREAD**2))

    def _band(self, middle: float, spread: float) -> tuple[float, float, float]:
        """Low, likeliest and high accuracy; none is below that of guessing."""
        guessing = 1 - 1 / len(self.seen[0].classes)
        errors = [guessing * min(1.0, math.exp(middle + sign * BAND * spread)) for sign in (1, 0, -1)]
        return 1 - errors[0], 1 - errors[1], 1 - errors[2]

    def _calibrated(self) -> float:
        """Misses in units of their spread, when each run, and then each recipe, is predicted from all others."""
        groups = [*np.arange(len(self.seen))[:, None], *self._recipes()]
        squares = [float(np.mean((miss / spread) ** 2)) for miss, spread in map(self._misses, groups)]
        return math.sqrt((PRIOR_GROUPS + sum(squares)) / (PRIOR_GROUPS + len(squares)))

    def _recipes(self) -> list[np.ndarray]:
        """The runs of each recipe, as indices."""
        firsts = [int(row.argmin()) for row in self._distances]
        return [np.flatnonzero(np.equal(firsts, first)) for first in sorted(set(firsts))]

    def _misses(self, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of runs that are predicted from all others, in closed form: how much each misses by, and its spread."""
        block = np.linalg.inv(self._inverse[np.ix_(group, group)])
        return block @ self._weights[group], np.sqrt(np.diag(block))


def band(reaches: Expected) -> str:
    """``70–76%``, with a decimal where the ends would look alike."""
    low, high = percent(reaches.low, 0), percent(reaches.high, 0)
    if low == high:
        low, high = percent(reaches.low), percent(reaches.high)
    return f"{low.removesuffix('%')}–{high}"


def on(classes: tuple[str, ...], images: int) -> Expectation:
    """What the recorded runs on a data set say, known by its classes and its number of training images."""
    return Expectation(experience.of_data(classes, images))


def is_cifar10(info: DatasetInfo) -> bool:
    """Whether a data set is the one that presets were measured on, whatever its name."""
    return tuple(info.classes) == CLASSES and info.counts.get("train") == NUM_TRAIN


def _covariance(distance, length, other):
    """Of the errors of two runs, by the distance of their recipes and the logarithms of their epochs."""
    shared = LEVEL_SPREAD**2 + SLOPE_SPREAD**2 * length * other
    return shared + np.exp(-distance) * (RECIPE_LEVEL**2 + RECIPE_SLOPE**2 * length * other)


def _prior(length):
    return LEVEL + SLOPE * length


def _log_error(accuracy: float, run: Experience) -> float:
    """The logarithm of the error of an accuracy, as a share of that of guessing."""
    wrong = ((1 - accuracy) * run.num_val + 0.5) / (run.num_val + 1)  # of nothing wrong there is no logarithm
    return math.log(min(1.0, wrong / (1 - 1 / len(run.classes))))


def _noise(run: Experience) -> float:
    """Variance of the logarithm of the error, from counting the images and from the seed."""
    error = max(1 - run.val_accuracy, 0.5 / run.num_val)
    return (1 - error) / (error * run.num_val) + SEED_SPREAD**2


def _shape(run: Experience) -> np.ndarray:
    """How far the logarithm of the error is from that of the end, at each of ``SHARES``."""
    points = [(0.0, 1 / len(run.classes)), *experience.points(run)]
    errors = [_log_error(accuracy, run) for _, accuracy in points]
    return np.interp(SHARES, [share for share, _ in points], errors) - errors[-1]
