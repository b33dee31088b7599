"""The model and the image that all chapters follow. Both are in the address."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import answers, models, sources
from pages.shared.answers import Answer
from vit.config import ModelConfig
from vit.errors import DataError
from vit.models import ModelInfo

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.trace import Trace
    from vit.model import VisionTransformer


@dataclass(frozen=True)
class Reader:
    """What a chapter computes with."""

    answer: Answer  # the image, and what the model says about it
    info: ModelInfo

    @property
    def config(self) -> ModelConfig:
        return self.info.model

    @property
    def trace(self) -> "Trace":
        return answers.trace_of(self.answer)

    @property
    def query(self) -> dict[str, str]:
        """What an address says to have this model and this image on another page."""
        return {"model": self.answer.model, "image": self.answer.image.id}

    def loaded(self) -> tuple["VisionTransformer", "Tensor"]:
        """The network, which is only read, and the image as it sees it, (1, C, H, W)."""
        predictor = models.predictor(self.answer.model)
        return predictor.model, predictor.inputs([self.answer.prediction.seen])


def cached(max_entries: int = 50):
    """Remember what a function finds for a reader's model and image, for all visitors."""
    return st.cache_resource(
        max_entries=max_entries, show_spinner=False, hash_funcs={Reader: lambda reader: reader.answer.key}
    )


def choose(names: list[str]) -> Reader:
    """Draw the choice of model and image, which takes little room.

    Raises:
        VitError: If the model or the image can't be used.
    """
    with st.popover("Model and image", icon=":material/tune:", width="content"):
        name = models.select(names)
        info = models.info(name)
        found = sources.choose(info, several=False)
    if not found:
        raise DataError("choose an image: there is none yet")
    return Reader(answers.ask(name, found[0]), info)
