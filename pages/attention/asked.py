"""A subject as the engine knows it: the model and its input, the target, and a key to remember results under."""

from typing import TYPE_CHECKING

from pages.attention.subject import Subject
from pages.shared import answers, models

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.target import Target
    from vit.predict import Predictor

Question = tuple  # what a result depends on: model file, its version, picture, class, contrast


def question(subject: Subject) -> Question:
    """What results for a subject are remembered under."""
    return (*answers.version(subject.model), subject.answer.picture.id, subject.target, subject.contrast)


def target(subject: Subject) -> "Target":
    """The asked class, or the contrast."""
    from vit.explain.target import Contrast

    return subject.target if subject.contrast is None else Contrast(subject.target, subject.contrast)


def predictor_and_inputs(subject: Subject) -> tuple["Predictor", "Tensor"]:
    """The loaded model, which is only read, and the picture as it sees it, (1, C, H, W)."""
    predictor = models.predictor(subject.model)
    return predictor, predictor.inputs([subject.answer.prediction.seen])


def model_and_inputs(subject: Subject) -> tuple:
    """The network itself and its input, as the engine's functions begin."""
    predictor, inputs = predictor_and_inputs(subject)
    return predictor.model, inputs
