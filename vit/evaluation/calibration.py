"""Whether 80 % sure means right 8 times in 10, and the temperature that makes it so. No torch.

ECE is that of Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599.
"""

from dataclasses import dataclass

import numpy as np

from vit.runs.directory import Record

BINS = 15  # of equal width, as in the paper
ENOUGH_IMAGES = 1000  # to fit three numbers instead of one
SMALLEST = 1e-12  # probability, before a logarithm
LIMITS = (-10.0, 10.0)  # of a coefficient, where every answer is right and none is sure enough


@dataclass(frozen=True)
class Bin:
    """The images whose largest probability lies in (low, high]."""

    low: float
    high: float
    images: int
    confidence: float | None  # mean largest probability; None without an image
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """How far confidence and accuracy are apart."""

    bins: tuple[Bin, ...]
    ece: float  # expected calibration error, 0..1


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax of logits: (N, K) -> (N, K)."""
    exact = logits.astype(np.float64)  # scipy's softmax takes half a second to load, and the first answer waits for it
    exponentials = np.exp(exact - exact.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def measure(probability: np.ndarray, labels: np.ndarray) -> Calibration:
    """Bins and ECE of probabilities (N, K): the mean of |accuracy - confidence| over bins, weighted by images."""
    confidence, is_right = probability.max(axis=1), probability.argmax(axis=1) == labels
    edges = np.linspace(0, 1, BINS + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)
    bins = tuple(_bin(edges[k], edges[k + 1], confidence[place == k], is_right[place == k]) for k in range(BINS))
    gaps = [bin.images * abs((bin.accuracy or 0) - (bin.confidence or 0)) for bin in bins]
    return Calibration(bins, float(sum(gaps) / len(labels)))


def _bin(low: float, high: float, confidence: np.ndarray, is_right: np.ndarray) -> Bin:
    count = len(confidence)
    means = (float(confidence.mean()), float(is_right.mean())) if count else (None, None)
    return Bin(float(low), float(high), count, *means)


def loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean cross-entropy in nats."""
    from scipy.special import log_softmax  # loads slowly

    rows = log_softmax(logits.astype(np.float64), axis=1)
    return float(-rows[np.arange(len(labels)), labels].mean())


class Temperature(Record):
    """What logits are divided by before the softmax; more makes a model less sure. The likeliest class stays.

    One number for all images can't repair a model that is too sure where it hesitates and not sure enough elsewhere, as
    label smoothing leaves it. So the temperature is a function of the margin m, the difference of the two largest
    logits: 1 / exp(a + b m + c m^2), the smallest case of Tomani et al. 2022, arXiv:2102.12182. With few images to fit
    it on, b and c are 0.

    The form was chosen on the validation images of the shipped models alone, by the cross-validated log loss of "the
    answer is right": of twelve forms it has the smallest, mean of both models (``bench/temperature.py``).
    """

    coefficients: tuple[float, float, float] = (0.0, 0.0, 0.0)  # a, b, c
    largest_margin: float = 0.0  # of the images it was fitted on; beyond it the temperature stays the same

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """Logits (N, K) divided by the temperature of each image."""
        exact = logits.astype(np.float64)
        return exact / self.of(exact)[:, None]

    def of(self, logits: np.ndarray) -> np.ndarray:
        """The temperature of each image, (N,)."""
        second, first = np.partition(logits, -2, axis=1)[:, -2:].T
        margin = np.minimum(first - second, self.largest_margin)
        return np.exp(-np.polynomial.polynomial.polyval(margin, self.coefficients))


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> Temperature:
    """The temperature with the smallest log loss of "the answer is right", whose probability is the confidence.

    To be fitted on val, never on what is judged with it.
    """
    from scipy.optimize import minimize  # loads slowly; whoever only applies a temperature need not wait for it

    second, first = np.partition(logits.astype(np.float64), -2, axis=1)[:, -2:].T
    largest, is_right = float((first - second).max()), logits.argmax(axis=1) == labels
    free = 3 if len(labels) >= ENOUGH_IMAGES else 1

    def made(values: np.ndarray) -> Temperature:
        a, b, c = (*values, *[0.0] * (3 - free))
        return Temperature(coefficients=(a, b, c), largest_margin=largest)

    def judged(values: np.ndarray) -> float:
        return loss_of_confidence(probabilities(made(values).apply(logits)).max(axis=1), is_right)

    return made(np.clip(minimize(judged, np.zeros(free), method="Nelder-Mead").x, *LIMITS))


def loss_of_confidence(confidence: np.ndarray, is_right: np.ndarray) -> float:
    """Mean log loss in nats of confidences (N,), each the probability that an answer is right."""
    said = np.where(is_right, confidence, 1 - confidence)
    return float(-np.log(said.clip(SMALLEST)).mean())
