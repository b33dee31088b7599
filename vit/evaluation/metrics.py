"""What predictions say about a model: figures, confusions, mistakes, and whether another model is better.

Pure functions of probabilities (N, K) or predicted classes (N,), and labels (N,). No torch.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

CONFIDENCE = 0.95  # of intervals


@dataclass(frozen=True)
class Accuracy:
    """A share of right answers (0..1), and the interval in which the true share lies with 95 % confidence."""

    value: float
    low: float
    high: float
    right: int  # images
    images: int


@dataclass(frozen=True)
class ClassFigures:
    """How well one class is told from the others; each share is 0..1, or None where it would be 0 / 0."""

    name: str
    precision: float | None  # of the images that were given this class, those that have it
    recall: float | None  # of the images that have this class, those that were given it
    f1: float | None  # harmonic mean of the two
    support: int  # images that have this class
    predicted: int  # images that were given this class


@dataclass(frozen=True)
class Difference:
    """Two models on the same images (McNemar 1947)."""

    only_first: int  # images that only the first model gets right
    only_second: int
    both: int
    neither: int
    p_value: float  # how likely a difference as large as this is, or a larger one, if both were equally good

    @property
    def is_clear(self) -> bool:
        return self.p_value < 1 - CONFIDENCE


def accuracy(predicted: np.ndarray, labels: np.ndarray) -> Accuracy:
    """Accuracy with its Wilson score interval (Wilson 1927)."""
    right, images = int((predicted == labels).sum()), len(labels)
    interval = binomtest(right, images).proportion_ci(CONFIDENCE, method="wilson")
    return Accuracy(right / images, float(interval.low), float(interval.high), right, images)


def per_class(predicted: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> list[ClassFigures]:
    """Precision, recall, F1 and support of every class, in the order of the classes."""
    numbers, undefined = range(len(classes)), cast(str, np.nan)  # scikit-learn takes it, its annotation doesn't say so
    rows = np.array(precision_recall_fscore_support(labels, predicted, labels=numbers, zero_division=undefined)).T
    given = np.bincount(predicted, minlength=len(classes))
    return [
        ClassFigures(classes[k], _known(row[0]), _known(row[1]), _known(row[2]), int(row[3]), int(given[k]))
        for k, row in enumerate(rows)
    ]


def _known(share: float) -> float | None:
    return None if np.isnan(share) else float(share)


def confusion(predicted: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """How many images of each class (rows) were given each class (columns): int64 (K, K)."""
    return confusion_matrix(labels, predicted, labels=np.arange(num_classes))


def cell(predicted: np.ndarray, labels: np.ndarray, true: int, given: int, confidence: np.ndarray) -> np.ndarray:
    """The images of one cell of the confusion matrix, the surest first: places (n,)."""
    return _surest_first((labels == true) & (predicted == given), confidence)


def worst_mistakes(predicted: np.ndarray, labels: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Wrong answers, the surest first: places (n,)."""
    return _surest_first(predicted != labels, confidence)


def surest(predicted: np.ndarray, labels: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Right answers, the surest first: places (n,)."""
    return _surest_first(predicted == labels, confidence)


def least_certain(predicted: np.ndarray, labels: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Right answers, the least certain first: places (n,)."""
    return surest(predicted, labels, confidence)[::-1]


def _surest_first(chosen: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    places = np.flatnonzero(chosen)
    return places[np.argsort(-confidence[places], kind="stable")]


def mcnemar(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> Difference:
    """McNemar's exact test of two models' predicted classes on the same images.

    Only images that one model gets right and the other wrong say which is better. If both were equally good, each of
    them would fall to either side like a coin: a two-sided binomial test.
    """
    is_first, is_second = first == labels, second == labels
    only_first, only_second = int((is_first & ~is_second).sum()), int((is_second & ~is_first).sum())
    differing = only_first + only_second
    p_value = float(binomtest(only_first, differing).pvalue) if differing else 1.0
    both, neither = int((is_first & is_second).sum()), int((~is_first & ~is_second).sum())
    return Difference(only_first, only_second, both, neither, p_value)
