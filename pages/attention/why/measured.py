"""Maps, scores and controls of a picture, computed once for all visitors."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.attention import asked
from pages.attention.asked import Question
from pages.attention.subject import Subject

if TYPE_CHECKING:
    from vit.explain.evidence import Controls, Evidence
    from vit.explain.scores import Band
    from vit.model import VisionTransformer


def evidence(subject: Subject, method: str) -> "Evidence":
    """A method's map and its score."""
    return _evidence(asked.question(subject), method, subject)


def controls(subject: Subject, found: "Evidence") -> "Controls":
    """What the map looks like for another class and without training."""
    return _controls(asked.question(subject), found.method, subject, found)


@st.cache_resource(max_entries=1000, show_spinner=False)
def _evidence(question: Question, method: str, _subject: Subject) -> "Evidence":
    from vit.explain import evidence

    model, inputs = asked.model_and_inputs(_subject)
    return evidence.gather(model, inputs, asked.target(_subject), method, _band(question, _subject))


@st.cache_resource(max_entries=100, show_spinner=False)
def _band(question: Question, _subject: Subject) -> "Band":
    from vit.explain import scores

    return scores.random_band(*asked.model_and_inputs(_subject), asked.target(_subject))


@st.cache_resource(max_entries=1000, show_spinner=False)
def _controls(question: Question, method: str, _subject: Subject, _found: "Evidence") -> "Controls":
    from vit.explain import evidence

    model, inputs = asked.model_and_inputs(_subject)
    return evidence.control(_found, model, _fresh(*question[:2], model), inputs, asked.target(_subject))


@st.cache_resource(max_entries=3, show_spinner=False)
def _fresh(path: str, modified: int, _model: "VisionTransformer") -> "VisionTransformer":
    from vit.explain.evidence import untrained

    return untrained(_model)
