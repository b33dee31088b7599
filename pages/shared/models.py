"""Models as pages use them: which there are, and the few that are kept loaded."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import heading, mistakes, server
from vit import models, paths, text
from vit.errors import CheckpointError
from vit.models import ModelInfo
from vit.runs import status
from vit.runs.directory import Run

if TYPE_CHECKING:  # importing it for real brings torch, which a page only needs once something is to be predicted
    from vit.predict import Predictor


def names() -> list[str]:
    """Every model to choose from: the shipped ones, then runs that have a checkpoint, newest first."""
    runs = [run.id for run in status.list_runs() if Run.find(run.id).saved()]
    return models.shipped() + runs


def select(names: list[str]) -> str:
    """Let a person choose a model; one that a link asks for and that isn't there is told."""
    wanted = st.query_params.get("model")
    name = st.selectbox("Model", names, key="model", bind="query-params")
    mistakes.missing("model", None if wanted in names else wanted, name)
    return name


def _split_link(known: list[str]) -> None:
    """Understand a link that names a run's checkpoint as the command line does: ``?model=wise-wolf@last``."""
    name, _, checkpoint = st.query_params.get("model", "").partition("@")
    if name in known and is_run(name) and checkpoint in _checkpoints(name):
        st.query_params.update(model=name, checkpoint=checkpoint)
        st.rerun()  # widgets take their first value from the address that a run begins with


def _checkpoints(name: str) -> list[str]:
    """What a run's checkpoints are called, the newest step first."""
    return ["best", "last", *(str(entry.step) for entry in reversed(Run.find(name).saved()))]


def select_checkpoint(name: str) -> str:
    """Let a person choose among the checkpoints of a run; returns the model, such as ``wise-wolf@last``.

    Another model has one: its own.
    """
    if not is_run(name) or len(Run.find(name).saved()) < 2:
        return name
    which = st.selectbox(
        "Checkpoint",
        _checkpoints(name),
        key="checkpoint",
        bind="query-params",
        help="The weights to look into: the best by validation accuracy (of equals the one with the lowest loss), the "
        "last, or those of a step.",
    )
    return name if which == "best" else f"{name}@{which}"


def reached(info: ModelInfo) -> str:
    """Which checkpoint it is, and its accuracy: ``step 1,240, 93.3% (14 of 15) val accuracy``."""
    accuracy = info.metrics.get("val_accuracy")
    known = f", {text.accuracy(accuracy, info.data.get('val_images'))} val accuracy" if accuracy is not None else ""
    return f"step {info.step:,}{known}"


def is_known(name: str) -> bool:
    """Whether a model is shipped or a run of this machine, rather than a file."""
    return name in models.shipped() or is_run(name)


def is_run(name: str) -> bool:
    """Whether a model is a run of this machine rather than a shipped one or a file."""
    return name not in models.shipped() and paths.NAME.fullmatch(name) is not None


def has_history(name: str) -> bool:
    """Whether it can be seen how a model came about: it is a run, or was shipped with a series of checkpoints."""
    return is_run(name) or (name in models.shipped() and bool(models.history(name).series()))


def label(name: str) -> str | None:
    """A model's name with what it reached; None if its file doesn't say what it is."""
    try:
        accuracy = info(name).metrics.get("val_accuracy")
    except CheckpointError:
        return None
    shown = f"{Path(name).stem} (timm)" if name in models.adopted() else name
    return shown if accuracy is None else f"{shown} · {text.percent(accuracy)}"


def info(name: str) -> ModelInfo:
    """The metadata of a model.

    Raises:
        CheckpointError: If there is no such model or its file is damaged.
    """
    path = models.resolve(name)
    return _info(path, path.stat().st_mtime_ns)


def predictor(name: str) -> "Predictor":
    """A model, loaded; shared by all visitors and only read.

    Raises:
        CheckpointError: If there is no such model or its file is damaged.
    """
    path = models.resolve(name)
    return _predictor(path, path.stat().st_mtime_ns)


@st.cache_data(max_entries=200, show_spinner=False)
def _info(path, modified: int) -> ModelInfo:
    return models.read_info(path)


@st.cache_resource(max_entries=3, show_spinner=False)
def _predictor(path, modified: int) -> "Predictor":
    from vit.predict import Predictor

    loaded = Predictor.load(path)
    server.settle("torch")
    return loaded


def screen(title: str, draw: Callable[[list[str]], None], actions: Callable[[], None] = lambda: None) -> None:
    """A screen about a trained model: ``draw`` gets the names of all; a way to train one where there is none.

    ``actions`` draws what stands beside the title.
    """
    known = names()
    _split_link(known)
    place = heading.row(title)
    if known:
        with place:
            actions()
        with mistakes.shown():
            draw(known)
        return
    st.markdown("There is no trained model yet. Train one: it appears here as soon as its first checkpoint is saved.")
    st.page_link("pages/train/page.py", label="Train a model", icon=":material/model_training:")
