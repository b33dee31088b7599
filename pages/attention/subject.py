"""What is looked into: a model, an image, and the class that is asked about. All of it is in the address."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import answers, checkpoints, input_images, mistakes, models, sources, visitor
from pages.shared.answers import Answer
from pages.shared.inline import data_url
from pages.shared.input_images import InputImage
from pages.shared.literal import literal
from vit import pinned
from vit.models import ModelInfo

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.target import Target
    from vit.explain.trace import Trace
    from vit.model import VisionTransformer

PREDICTED, NOTHING = "predicted", "nothing"
CLASS_HELP = "The class that Why, Ablate and the direct logit attribution explain."
CONTRAST_HELP = "A contrast class: explain what speaks for the class above more than for this one."
PIN_HELP = "A pinned image is kept on this machine and offered beside the samples, with every model."


@dataclass(frozen=True)
class Subject:
    """What a tab looks into."""

    answer: Answer  # the image, and what the model says about it
    info: ModelInfo  # metadata of the model
    target: int  # index of the class that is asked about
    contrast: int | None  # index of the class that it is compared with, or None

    @property
    def model(self) -> str:
        return self.answer.model

    @property
    def key(self) -> tuple:
        """What results are remembered under: model, image and question."""
        return (*self.answer.key, self.target, self.contrast)

    @property
    def trace(self) -> "Trace":
        return answers.trace_of(self.answer)

    @property
    def class_name(self) -> str:
        return self.info.classes[self.target]

    @property
    def name(self) -> str:
        """What is explained, such as "cat" or "cat rather than dog"."""
        rival = "" if self.contrast is None else f" rather than {self.info.classes[self.contrast]}"
        return self.class_name + rival

    @property
    def asked(self) -> "Target":
        """The class or the contrast, as the engine knows it."""
        from vit.explain.target import Contrast

        return self.target if self.contrast is None else Contrast(self.target, self.contrast)

    def loaded(self) -> tuple["VisionTransformer", "Tensor"]:
        """The network, which is only read, and the image as it sees it, (1, C, H, W)."""
        predictor = models.predictor(self.model)
        return predictor.model, predictor.inputs([self.answer.prediction.seen])


def cached(max_entries: int, spinner: str | bool = False):
    """Remember what a function finds for a subject, for all visitors."""
    return st.cache_resource(
        max_entries=max_entries, show_spinner=spinner, hash_funcs={Subject: lambda subject: subject.key}
    )


def measured(items: list, words: Callable[[Any, int], str], measure: Callable) -> list:
    """Measure one item after the other and say how far it is: ``words`` gets the item and how many are done."""
    progress, found = st.empty(), []
    try:
        for done, item in enumerate(items):
            progress.progress(done / len(items), text=words(item, done))
            found.append(measure(item))
    finally:  # what refuses leaves its sentence, and no bar that stands still
        progress.empty()
    return found


def choose(names: list[str]) -> Answer | None:
    """Draw the choice of model and image; None as long as there is no image.

    Raises:
        VitError: If the model or the image can't be used.
    """
    left, right = st.columns([1, 3], gap="medium")
    with left:
        model = checkpoints.choose(names)
    with right.container(key="images"):
        found = sources.choose(models.info(model), several=False)
    return answers.ask(model, found[0]) if found else None


def ask(answer: Answer) -> Subject:
    """Draw the image and what the model says about it, and let a person choose the class to ask about."""
    st.image(data_url(answer.preview, "JPEG"), width="stretch", alt=f"The original of {answer.image.name}")
    label = f"labeled {literal(answer.image.label)}" if answer.image.label else None
    st.caption(" · ".join(filter(None, [literal(answer.image.name), label, answer.prediction.note])))
    _pin(answer.image)
    answers.bars(answer.prediction, 3)
    target, contrast = _question(answer)
    name = answer.model.partition("@")[0]
    if models.is_known(name):
        sources.link("predict", ":material/image_search:", answer.model, answer.image)
    return Subject(answer, models.info(answer.model), target, contrast)


def _pin(image: InputImage) -> None:
    pinned_id = input_images.pinned_id(image)
    if pinned_id in {entry.id for entry in pinned.list_pinned(visitor.current())}:
        if st.button("Unpin the image", key="unpin", icon=":material/keep_off:", type="tertiary", help=PIN_HELP):
            with mistakes.shown():
                pinned.unpin(pinned_id)
                st.rerun()
    elif st.button("Pin the image", key="pin", icon=":material/keep:", type="tertiary", help=PIN_HELP):
        with mistakes.shown():
            pinned.pin(image.id, image.read().image, image.name, image.label, visitor.current())
            st.rerun()


def _question(answer: Answer) -> tuple[int, int | None]:
    """The class that is asked about, and the one it is compared with."""
    classes = list(answer.prediction.classes)
    first = answer.prediction.top(1)[0][0]
    asked = st.selectbox(
        "Class",
        [PREDICTED, *classes],
        key="class",
        bind="query-params",
        format_func=lambda name: f"{first} (predicted)" if name == PREDICTED else name,
        help=CLASS_HELP,
    )
    against = st.selectbox(
        "Compared with", [NOTHING, *classes], key="contrast", bind="query-params", help=CONTRAST_HELP
    )
    target = classes.index(first if asked == PREDICTED else asked)
    contrast = None if against == NOTHING else classes.index(against)
    return target, None if contrast == target else contrast
