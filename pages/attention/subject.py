"""What is looked into: a model, a picture, and the class that is asked about. All of it is in the address."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.attention import pin, uploaded
from pages.shared import answers, models, prediction, sources, words
from pages.shared.answers import Answer
from pages.shared.inline import data_url
from vit.models import ModelInfo
from vit.runs.directory import Run

if TYPE_CHECKING:
    from vit.explain.trace import Trace

PICKER_HEIGHT = 140  # pixels: the tabs and one row of pictures; the others scroll
PREDICTED, NOTHING = "predicted", "nothing"


@dataclass(frozen=True)
class Subject:
    """What a tab looks into.

    Attributes:
        model: A MODEL as ``vit.models.resolve`` knows it, checkpoint included.
        info: What the model says of itself.
        answer: What it says about the picture.
        target: Index of the class that is asked about.
        contrast: Index of the class that it is held against, or None.
    """

    model: str
    info: ModelInfo
    answer: Answer
    target: int
    contrast: int | None

    @property
    def trace(self) -> "Trace":
        return answers.trace_of(self.model, self.answer)

    @property
    def question(self) -> str:
        """What is asked, such as "Why cat?" or "Why cat and not dog?"."""
        than = "" if self.contrast is None else f" and not {self.info.classes[self.contrast]}"
        return f"Why {self.info.classes[self.target]}{than}?"


def choose(names: list[str]) -> tuple[str, Answer] | None:
    """Draw the choice of model and picture; None as long as there is no picture.

    Raises:
        VitError: If the model or the picture can't be used.
    """
    left, right = st.columns([1, 3], gap="medium")
    with left:
        model = _model(names)
    with right.container(height=PICKER_HEIGHT, border=False, key="pictures"):
        found = sources.choose(models.info(model).classes, several=False)
    return (model, answers.ask(model, found[0])) if found else None


def ask(model: str, answer: Answer) -> Subject:
    """Draw the picture and what the model says about it, and let a person choose the class to ask about."""
    st.image(data_url(answer.preview, "JPEG"), width="stretch", alt=f"The original of {answer.picture.name}")
    label = f"labelled {answer.picture.label}" if answer.picture.label else None
    st.caption(" · ".join(filter(None, [answer.picture.name, label, answer.prediction.note])))
    pin.draw(answer.picture)
    prediction.bars(answer.prediction, 3)
    target, contrast = _question(answer)
    return Subject(model, models.info(model), answer, target, contrast)


def _model(names: list[str]) -> str:
    """The model to look into, checkpoint included; an opened file goes before the list."""
    place = st.container()
    opened = uploaded.choose()
    if opened is not None:
        place.code(Path(opened).name, language=None)
        return opened
    with place:
        return _listed(names)


def _listed(names: list[str]) -> str:
    name = st.selectbox("Model", names, key="model", bind="query-params")
    steps = _steps(name)
    if len(steps) < 2:
        return name
    which = st.selectbox("Checkpoint", ["best", "last", *steps], key="checkpoint", bind="query-params")
    return name if which == "best" else f"{name}@{which}"


def _steps(name: str) -> list[str]:
    """The steps at which a run was saved, latest first; a shipped model has none to choose from."""
    return [str(saved.step) for saved in reversed(Run.find(name).saved())] if models.is_run(name) else []


def _question(answer: Answer) -> tuple[int, int | None]:
    """The class that is asked about, and the one it is held against."""
    classes = list(answer.prediction.classes)
    first = answer.prediction.top(1)[0][0]
    asked = st.selectbox(
        "Class",
        [PREDICTED, *classes],
        key="class",
        bind="query-params",
        format_func=lambda name: f"{first} (predicted)" if name == PREDICTED else name,
    )
    against = st.selectbox("Rather than", [NOTHING, *classes], key="contrast", bind="query-params")
    target = classes.index(first if asked == PREDICTED else asked)
    contrast = None if against == NOTHING else classes.index(against)
    return target, None if contrast == target else contrast


def probability(subject: Subject) -> str:
    """The asked class with its probability, in words."""
    share = subject.answer.prediction.probabilities[subject.target]
    return f"{subject.info.classes[subject.target]} {words.percent(share)}"
