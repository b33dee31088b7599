"""What a model says about a picture and what it looks at, kept so that turning a knob doesn't ask it again."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from pages.shared import models
from pages.shared.pictures import Picture
from vit.models import resolve
from vit.plots import heatmap

if TYPE_CHECKING:
    from vit.explain.trace import Trace
    from vit.predict import Prediction

PREVIEW_SIDE = 480  # pixels; the original itself is not kept


@dataclass(frozen=True)
class Answer:
    """A model's answer.

    Attributes:
        picture: What was asked about.
        prediction: What the model says.
        preview: The original in small; what the model doesn't see of it is darkened.
    """

    picture: Picture
    prediction: "Prediction"
    preview: Image.Image


def ask(model: str, picture: Picture) -> Answer:
    """What a model says about a picture.

    Raises:
        CheckpointError: If there is no such model.
        ImageError: If the picture can't be read.
    """
    return _ask(model, version(model), picture.id, picture)


def trace_of(model: str, answer: Answer) -> "Trace":
    """What the model computed on the way to an answer."""
    return _trace(model, version(model), answer.picture.id, answer)


def version(model: str) -> tuple[str, int]:
    """What to remember a model's answers under: they are the same as long as this is.

    Raises:
        CheckpointError: If there is no such model.
    """
    path = resolve(model)
    return str(path), path.stat().st_mtime_ns


@st.cache_resource(max_entries=500, show_spinner=False)
def _ask(model: str, version: tuple[str, int], picture_id: str, _picture: Picture) -> Answer:
    decoded = _picture.read()
    prediction = models.predictor(model).predict([(_picture.name, decoded)])[0]
    return Answer(_picture, prediction, _preview(decoded.image, prediction))


@st.cache_resource(max_entries=24, show_spinner=False)
def _trace(model: str, version: tuple[str, int], picture_id: str, _answer: Answer) -> "Trace":
    from vit.explain.trace import trace

    predictor = models.predictor(model)
    return trace(predictor.model, predictor.inputs([_answer.prediction.seen])).cpu()


def _preview(original: Image.Image, prediction: "Prediction") -> Image.Image:
    """The original with what the model doesn't see of it darkened; small ones keep their pixels visible."""
    if original.width == original.height:
        return heatmap.enlarge(original, PREVIEW_SIDE)
    return heatmap.place_back(original, prediction.box, original.crop(prediction.box), PREVIEW_SIDE)
