"""What a model says of every image of a split: the arrays that everything else is computed from. No torch."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from vit import files
from vit.errors import EvaluationError
from vit.evaluation import calibration


@dataclass(frozen=True)
class Predictions:
    """A model's answers.

    Attributes:
        logits: (N, K), float32.
        features: (N, D), float32, what the head reads.
        labels: (N,), int64.
        places: (N,), int64, where each image is in the stored split, ``train`` for val, too.
    """

    logits: np.ndarray
    features: np.ndarray
    labels: np.ndarray
    places: np.ndarray

    @cached_property
    def probabilities(self) -> np.ndarray:
        """As the model says them, without a temperature: (N, K)."""
        return calibration.probabilities(self.logits)

    @cached_property
    def predicted(self) -> np.ndarray:
        """The likeliest class of each image: (N,)."""
        return self.logits.argmax(axis=1)

    @cached_property
    def confidence(self) -> np.ndarray:
        """The largest probability of each image: (N,)."""
        return self.probabilities.max(axis=1)

    def __len__(self) -> int:
        return len(self.labels)


NAMES = ("logits", "features", "labels", "places")


def write(path: Path, predictions: Predictions) -> None:
    """Keep predictions."""
    arrays = {name: np.ascontiguousarray(getattr(predictions, name)) for name in NAMES}
    files.write_bytes(path, safetensors.numpy.save(arrays))


def read(path: Path) -> Predictions:
    """Read what ``write`` has written.

    Raises:
        EvaluationError: If the file is missing, damaged or incomplete.
    """
    try:
        arrays = safetensors.numpy.load_file(path)
        predictions = Predictions(*(arrays[name] for name in NAMES))
    except (OSError, SafetensorError, KeyError) as error:
        raise EvaluationError(f"{path} can't be read: delete it, and evaluate again") from error
    counts = {len(arrays[name]) for name in NAMES}
    if len(counts) > 1 or not len(predictions) or not np.isfinite(predictions.logits).all():
        raise EvaluationError(f"{path} is damaged: delete it, and evaluate again")
    return predictions
