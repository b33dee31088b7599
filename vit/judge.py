"""What a model says of images once it was measured: calibrated confidence, and a warning where it means little."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor

from vit import models
from vit.evaluation import calibration, directory, reference
from vit.evaluation.forward import ask
from vit.evaluation.parts import Unusual
from vit.evaluation.reference import Reference
from vit.predict import BATCH_SIZE, Prediction, Predictor, check_finite


@dataclass(frozen=True)
class Judged(Prediction):
    """A prediction, with what is known of its worth."""

    is_calibrated: bool = False  # whether the temperature of the model was applied
    is_unusual: bool | None = None  # whether the image is unlike the training images; None if nobody measured those


@dataclass(frozen=True)
class FalseAlarms:
    """How often ordinary images are called unusual."""

    share: float  # 0..1
    split: str  # of which images: ``test`` or ``validation``


@dataclass(frozen=True)
class Judge:
    """A model with what was measured of it. It holds no state between calls, so several threads may share one."""

    predictor: Predictor
    reference: Reference | None  # None: there is no temperature, and nothing is called unusual

    @classmethod
    def load(cls, model: str) -> "Judge":
        """Load a model, and its reference where it has one.

        Raises:
            CheckpointError: If there is no such model or its file is damaged.
            EvaluationError: If its reference is damaged.
        """
        return cls(Predictor.load(model), reference.find(model))

    def judge(
        self,
        predictions: list[Prediction],
        *,
        raw: bool = False,
        mirrored: bool = False,
        features: Tensor | None = None,
    ) -> list[Judged]:
        """The same predictions with another confidence, and a warning where one is due.

        Args:
            predictions: Of this model, in any number.
            raw: The softmax as it is, without a temperature.
            mirrored: Take the mean of the logits of each image and its mirror image.
            features: What the head reads of the images (N, D), where traces have it already.

        Raises:
            CheckpointError: If the model answers NaN or infinity.
        """
        found = []
        for start in range(0, len(predictions), BATCH_SIZE):
            batch = predictions[start : start + BATCH_SIZE]
            read = None if features is None else features[start : start + BATCH_SIZE]
            logits, unusual = self.look([one.seen for one in batch], mirrored, read)
            rows = self.probabilities(logits, raw)
            is_calibrated = self.reference is not None and not raw
            for one, row, odd in zip(batch, rows, unusual, strict=True):
                changed = {**vars(one), "probabilities": row, "is_calibrated": is_calibrated, "is_unusual": odd}
                found.append(Judged(**changed))
        return found

    def look(
        self, seen: list[Image.Image], mirrored: bool = False, features: Tensor | None = None
    ) -> tuple[np.ndarray, list[bool | None]]:
        """Logits (B, K) of one batch of images from ``Predictor.see``, and which are unusual; see ``judge``."""
        logits, figures = ask(self.predictor, seen, features)
        if mirrored:
            logits = (logits + ask(self.predictor, [ImageOps.mirror(image) for image in seen])[0]) / 2
        check_finite(logits)
        if self.reference is None:
            return logits, [None] * len(seen)
        return logits, self.reference.detector.is_unusual(figures).tolist()

    def probabilities(self, logits: np.ndarray, raw: bool = False) -> list[tuple[float, ...]]:
        """Probabilities of logits (B, K), calibrated where that is known and ``raw`` isn't asked for.

        The temperature was fitted on logits of one image; those of an image with its mirror image get the same.
        """
        if self.reference is not None and not raw:
            logits = self.reference.temperature.apply(logits)
        return [tuple(row) for row in calibration.probabilities(logits).tolist()]


def false_alarms(model: str, known: Reference) -> FalseAlarms:
    """How many ordinary images get the warning, too: of test where it was evaluated here, of validation otherwise.

    Raises:
        EvaluationError: If an evaluation is damaged.
    """
    info = models.read_info(models.resolve(model))
    for data in directory.fitting(info.classes):
        if data.fingerprint == info.data.get("fingerprint") and data.counts.get("test"):
            found = directory.find(model, data, "test").read("unusual", Unusual)
            if found and found.scores:
                return FalseAlarms(float(np.mean(np.array(found.scores) > found.threshold)), "test")
    return FalseAlarms(known.description.false_alarms, "validation")
