"""What a model says about an image and what it looks at, kept so that turning a knob doesn't ask it again."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from pages.shared import models
from pages.shared.input_images import InputImage
from pages.shared.literal import literal
from vit import text
from vit.models import resolve
from vit.plots import heatmap

if TYPE_CHECKING:
    from vit.explain.trace import Trace
    from vit.predict import Prediction

PREVIEW_SIDE, CROP_SIDE = 480, 560  # pixels; the original itself is not kept


@dataclass(frozen=True)
class Answer:
    """A model's answer.

    Attributes:
        model: A MODEL as ``vit.models.resolve`` knows it.
        version: Its file and when that was written.
        image: What was asked about.
        prediction: What the model says.
        preview: The original in small; what the model doesn't see of it is darkened.
        crop: The square of the original that the model sees, in its own resolution as far as a screen shows it.
    """

    model: str
    version: tuple[str, int]
    image: InputImage
    prediction: "Prediction"
    preview: Image.Image
    crop: Image.Image

    @property
    def key(self) -> tuple:
        """What results for this answer are cached under; with the name, which differs between visitors."""
        return (*self.version, self.image.id, self.image.name)


def ask(model: str, image: InputImage) -> Answer:
    """What a model says about an image.

    Raises:
        CheckpointError: If there is no such model.
        ImageError: If the image can't be read.
    """
    path = resolve(model)
    return _ask(model, (str(path), path.stat().st_mtime_ns), image)


@st.cache_resource(max_entries=500, show_spinner=False, hash_funcs={InputImage: lambda image: (image.id, image.name)})
def _ask(model: str, version: tuple[str, int], image: InputImage) -> Answer:
    decoded, predictor = image.read(), models.predictor(model)
    seen = predictor.see(decoded.image)
    logits = _trace(model, version, image, seen).logits
    prediction = predictor.predictions([(image.name, decoded)], [seen], logits)[0]
    original, crop = decoded.image, decoded.image.crop(prediction.box)
    if original.width == original.height:
        preview = heatmap.enlarge(original, PREVIEW_SIDE)
    else:
        preview = heatmap.spotlight(original, prediction.box, PREVIEW_SIDE)
    if crop.width > CROP_SIDE:
        crop = heatmap.enlarge(crop, CROP_SIDE)
    return Answer(model, version, image, prediction, preview, crop)


def trace_of(answer: Answer) -> "Trace":
    """What the model computed on the way to an answer."""
    return _trace(answer.model, answer.version, answer.image, answer.prediction.seen)


@st.cache_resource(max_entries=24, show_spinner=False, hash_funcs={InputImage: lambda image: (image.id, image.name)})
def _trace(model: str, version: tuple[str, int], image: InputImage, _seen: Image.Image) -> "Trace":
    from vit.explain.trace import trace

    predictor = models.predictor(model)
    return trace(predictor.model, predictor.inputs([_seen])).cpu()


def bars(prediction: "Prediction", k: int = 5) -> None:
    """The likeliest classes, each with its probability as a number and as a bar."""
    for name, probability in prediction.top(k):
        st.progress(probability, text=f"{literal(name)} · **{text.percent(probability)}**")
