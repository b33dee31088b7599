"""Maps, scores and controls of a picture, computed once for all visitors."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.attention.subject import Subject
from pages.shared import answers, models

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.evidence import Controls, Evidence
    from vit.explain.scores import Band
    from vit.explain.target import Target
    from vit.model import VisionTransformer

Question = tuple  # what a result depends on: model file, its version, picture, class, contrast


def question(subject: Subject) -> Question:
    """What results for a subject are remembered under."""
    return (*answers.version(subject.model), subject.answer.picture.id, subject.target, subject.contrast)


def target(subject: Subject) -> "Target":
    """The asked class, or the contrast, as the engine knows it."""
    from vit.explain.target import Contrast

    return subject.target if subject.contrast is None else Contrast(subject.target, subject.contrast)


def evidence(subject: Subject, method: str) -> "Evidence":
    """A method's map and its score."""
    return _evidence(question(subject), method, subject)


def controls(subject: Subject, found: "Evidence") -> "Controls":
    """What the map looks like for another class and without training."""
    return _controls(question(subject), found.method, subject, found)


@st.cache_resource(max_entries=1000, show_spinner=False)
def _evidence(question: Question, method: str, _subject: Subject) -> "Evidence":
    from vit.explain import evidence

    model, inputs = _model_and_inputs(_subject)
    return evidence.gather(model, inputs, target(_subject), method, _band(question, _subject))


@st.cache_resource(max_entries=100, show_spinner=False)
def _band(question: Question, _subject: Subject) -> "Band":
    from vit.explain import scores

    return scores.random_band(*_model_and_inputs(_subject), target(_subject))


@st.cache_resource(max_entries=1000, show_spinner=False)
def _controls(question: Question, method: str, _subject: Subject, _found: "Evidence") -> "Controls":
    from vit.explain import evidence

    model, inputs = _model_and_inputs(_subject)
    return evidence.control(_found, model, _fresh(*question[:2], model), inputs, target(_subject))


@st.cache_resource(max_entries=3, show_spinner=False)
def _fresh(path: str, modified: int, _model: "VisionTransformer") -> "VisionTransformer":
    from vit.explain.controls import untrained

    return untrained(_model)


def _model_and_inputs(subject: Subject) -> tuple["VisionTransformer", "Tensor"]:
    predictor = models.predictor(subject.model)
    return predictor.model, predictor.inputs([subject.answer.prediction.seen])
