"""How sure an answer is: calibrated or raw, with the mirror image or without, and whether to believe it at all."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import answers, models
from pages.shared.answers import Answer
from pages.shared.literal import literal

if TYPE_CHECKING:  # importing it for real brings torch, which is only needed once something is to be predicted
    from vit.evaluation.reference import Reference
    from vit.judge import Judge, Judged

UNUSUAL = "unlike the training images"
RAW_HELP = (
    "Without it the confidence is calibrated: a temperature, measured on the validation images, makes 80% mean right "
    "in about 80 of 100 images. Raw is the softmax of the model as it is, as Start and Attention show it. The "
    "likeliest class is the same."
)
MIRROR_HELP = (
    "Test-time augmentation: the model sees the image and its mirror image, and the answer is the mean of the logits "
    "of both. It takes twice as long."
)


@dataclass(frozen=True)
class How:
    """What a person chose."""

    raw: bool
    mirrored: bool


def of(model: str) -> "Judge":
    """A model with what was measured of it.

    Raises:
        CheckpointError: If there is no such model or its file is damaged.
        EvaluationError: If what was measured of it can't be read.
    """
    from vit.evaluation import reference
    from vit.judge import Judge

    return Judge(models.predictor(model), reference.find(model))


def controls(is_measured: bool) -> How:
    """The choices, and where nobody has measured the model, what would."""
    raw = True
    if is_measured:
        raw = st.toggle("Raw confidence", key="raw", bind="query-params", help=RAW_HELP)
    mirrored = st.toggle("Average with the mirror image", key="mirrored", bind="query-params", help=MIRROR_HELP)
    return How(raw, mirrored)


def unmeasured(model: str) -> None:
    """Say that confidence and warnings need an evaluation, which is one click away."""
    st.caption("This is the raw confidence, without warnings: this model was not evaluated on its own data yet.")
    name, _, checkpoint = model.partition("@")
    query = {"model": name} | ({"checkpoint": checkpoint} if checkpoint else {})
    st.page_link("pages/evaluate/page.py", label="Evaluate it", icon=":material/fact_check:", query_params=query)


def judged(answer: Answer, judge: "Judge", how: How) -> "Judged":
    """What a model says of an image, in the way that was chosen."""
    known = judge.reference and judge.reference.description.model_dump_json()
    return _judged(answer, judge, known, how.raw, how.mirrored)


@st.cache_resource(max_entries=500, show_spinner=False, hash_funcs={Answer: lambda answer: answer.key})
def _judged(answer: Answer, _judge: "Judge", known: str | None, raw: bool, mirrored: bool) -> "Judged":
    features = answers.trace_of(answer).features
    return _judge.judge([answer.prediction], raw=raw, mirrored=mirrored, features=features)[0]


def warning(model: str, known: "Reference") -> None:
    """The warning about an image, with how often it is a false alarm."""
    from vit.judge import false_alarms

    usual = false_alarms(model, known)
    st.warning(
        f"This image is unlike anything that {literal(model)} was trained on. Don't rely on the answer: the model has "
        f"to name one of its classes, whatever it sees. Of 100 ordinary {usual.split} images, "
        f"{usual.share * 100:.0f} get this warning, too.",
        icon=":material/warning:",
    )
