"""The figures of an evaluation, as pages, reports and the command line show them. No torch."""

from dataclasses import dataclass

import numpy as np

from vit.evaluation import calibration, metrics
from vit.evaluation.calibration import Calibration
from vit.evaluation.metrics import Accuracy, ClassFigures
from vit.evaluation.predictions import Predictions
from vit.evaluation.reference import Reference


@dataclass(frozen=True)
class Summary:
    """How good a model is on a split."""

    accuracy: Accuracy
    loss: float  # mean cross-entropy in nats
    classes: tuple[ClassFigures, ...]
    confusion: np.ndarray  # (K, K), true classes are rows
    raw: Calibration  # of the probabilities as the model says them
    scaled: Calibration | None  # after the temperature; None where it isn't known


def summarize(found: Predictions, classes: tuple[str, ...], reference: Reference | None) -> Summary:
    """Compute all figures from predictions."""
    scaled = None
    if reference is not None:
        probability = calibration.probabilities(reference.temperature.apply(found.logits))
        scaled = calibration.measure(probability, found.labels)
    return Summary(
        accuracy=metrics.accuracy(found.predicted, found.labels),
        loss=calibration.loss(found.logits, found.labels),
        classes=tuple(metrics.per_class(found.predicted, found.labels, classes)),
        confusion=metrics.confusion(found.predicted, found.labels, len(classes)),
        raw=calibration.measure(found.probabilities, found.labels),
        scaled=scaled,
    )
