"""What is evaluated: a model, a data set that fits it, and a split. All of it is in the address."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import checkpoints, mistakes, models
from pages.shared.literal import literal
from vit import text
from vit.data.store import DatasetInfo
from vit.evaluation import directory
from vit.evaluation.directory import Evaluation, SplitName
from vit.models import ModelInfo

if TYPE_CHECKING:
    from vit.evaluation.predictions import Predictions
    from vit.evaluation.reference import Reference
    from vit.evaluation.summary import Summary

SPLIT_HELP = (
    "**val** chose the best checkpoint. **test** is to be looked at once, at the end. **train** is what the model "
    "learned from: an accuracy there says little, wrong labels can be found."
)


@dataclass(frozen=True)
class Asked:
    """What a tab shows."""

    model: str  # a MODEL, checkpoint included
    info: ModelInfo
    data: DatasetInfo
    evaluation: Evaluation

    @property
    def classes(self) -> tuple[str, ...]:
        return self.info.classes

    @property
    def num_images(self) -> int:
        """How many images the split has."""
        split, counts = self.evaluation.identity.split, self.data.counts
        if split == "test":
            return counts["test"]
        if not self.is_own:
            return counts["train"]
        num_val = self.info.run.data.num_val(counts["train"])
        return num_val if split == "val" else counts["train"] - num_val

    @property
    def is_own(self) -> bool:
        """Whether the model was trained on this data."""
        return self.data.fingerprint == self.info.data.get("fingerprint")

    @property
    def predictions(self) -> "Predictions":
        return predictions_of(self.evaluation)

    @property
    def reference(self) -> "Reference | None":
        """Temperature and detector, if they are known."""
        from vit.evaluation import reference

        return reference.find(self.model)

    @property
    def summary(self) -> "Summary":
        known = self.reference
        return _summary(self.evaluation, known.description.digest if known else None, self)


def choose(names: list[str]) -> Asked | None:
    """Draw the choice; None where no data set fits the model."""
    left, middle, right = st.columns([2, 2, 1], gap="medium")
    with left:
        model = checkpoints.choose(names)
    info = models.info(model)
    known = {data.name: data for data in directory.fitting(info.classes)}
    if not known:
        trained_on = literal(info.data.get("name", "data that it does not name"))
        middle.markdown(
            "Evaluate shows how good a model is, where it fails, and when not to believe it, on images with labels. "
            f"No data set on this machine has the classes of this model, which was trained on {trained_on}."
        )
        middle.page_link("pages/data/page.py", label="Add data", icon=":material/photo_library:")
        return None
    with middle:
        data = known[_data(known, info)]
    with right:
        split = _split(splits(data, info))
    return Asked(model, info, data, directory.find(model, data, split))


def _data(known: dict[str, DatasetInfo], info: ModelInfo) -> str:
    """The data set, first the one that the model was trained on."""
    own = info.data.get("fingerprint")
    options = sorted(known, key=lambda name: known[name].fingerprint != own)
    wanted = st.query_params.get("data")
    name = st.selectbox("Data", options, key="data", bind="query-params")
    mistakes.missing("data set that fits", None if wanted in options else wanted, name)
    return name


def splits(data: DatasetInfo, info: ModelInfo) -> list[SplitName]:
    """The splits to offer: val only of the data that the model was trained on."""
    found: list[SplitName] = ["test"] if data.counts.get("test") else []
    if data.fingerprint != info.data.get("fingerprint"):
        return [*found, "train"] if data.counts.get("train") else found
    return ["val", *found, "train"]


def looked(evaluation: Evaluation) -> str:
    """How often test was looked at, in brackets, for a button; nothing for other splits."""
    if evaluation.identity.split != "test":
        return ""
    return f" (looked at {text.counted(directory.looks(evaluation), 'time')} before)"


def _split(options: list[SplitName]) -> SplitName:
    return st.segmented_control(
        "Split", options, key="split", bind="query-params", required=True, default=options[0], help=SPLIT_HELP
    )


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={Evaluation: lambda evaluation: str(evaluation.path)})
def predictions_of(evaluation: Evaluation) -> "Predictions":
    """The predictions, read once for all visitors."""
    from vit.evaluation import predictions

    return predictions.read(evaluation.predictions_path)


@st.cache_resource(max_entries=20, show_spinner=False, hash_funcs={Evaluation: lambda evaluation: str(evaluation.path)})
def _summary(evaluation: Evaluation, reference: str | None, _asked: Asked) -> "Summary":
    from vit.evaluation.summary import summarize

    return summarize(_asked.predictions, _asked.classes, _asked.reference)
