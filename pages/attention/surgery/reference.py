"""Pictures of a model's classes: what heads are ranked on, and what their means are taken over."""

from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from pages.attention.subject import Subject
from pages.shared import answers, models
from vit import images, samples
from vit.data import catalog

if TYPE_CHECKING:
    from vit.explain.surgery import Means

PICTURES = 64  # of a mean


def test_source(classes: tuple[str, ...]) -> str:
    """A data set with test pictures of exactly these classes; empty if there is none."""
    fitting = (info for info in catalog.listing() if set(info.classes) == set(classes) and info.counts.get("test"))
    return next((info.name for info in fitting), "")


def has_pictures(subject: Subject) -> bool:
    """Whether there are pictures to take a mean over."""
    return bool(test_source(subject.info.classes) or _shipped(subject.info.classes))


def means(subject: Subject) -> "Means":
    """What each part gives on average over test pictures, or else over the shipped samples."""
    return _means(answers.version(subject.model), subject.model, test_source(subject.info.classes))


@st.cache_resource(max_entries=3, show_spinner="Taking the mean over pictures")
def _means(version: tuple[str, int], model: str, source: str) -> "Means":
    from vit.explain import surgery

    predictor = models.predictor(model)
    seen = [predictor.see(image) for image in _pictures(model, source)]
    return surgery.means(predictor.model, predictor.inputs(seen))


def _pictures(model: str, source: str) -> list[Image.Image]:
    if source:
        return [sample.image for sample in catalog.samples(source, "test", PICTURES)]
    shipped = _shipped(models.info(model).classes)
    return [images.decode(sample.path.read_bytes(), sample.name).image for sample in shipped]


def _shipped(classes: tuple[str, ...]) -> list[samples.Sample]:
    return [sample for sample in samples.listing() if sample.label in classes]
