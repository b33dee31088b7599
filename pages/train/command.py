"""The command line that starts the same run, for a shell or a machine without a screen."""

import shlex
from typing import Any

from vit import presets
from vit.config import field_names
from vit.data import catalog
from vit.data.store import DatasetInfo
from vit.errors import DataError
from vit.runs.plan import Plan

FOLLOWS_DATA = "model.num_classes"  # the command line takes it from the data, as the form does
PLANNED = ("train.device", "train.precision", "train.processes", "train.threads")
EXACT = (*PLANNED, "train.seed")  # given even where the preset says the same, so that a reader sees them
LENGTHS = {"train.epochs": "--epochs", "train.steps": "--steps", "train.minutes": "--minutes"}


def line(raw: dict, plan: Plan | None = None) -> str:
    """``python -m vit train ...`` with what differs from the nearest preset.

    Args:
        raw: The configuration.
        plan: What was measured and decided before the first step of a run; with it, the same machine repeats the run
            bit for bit, also one whose length was given in minutes.

    Raises:
        CheckpointError: If the model to start from is gone.
    """
    preset = raw["preset"] if raw["preset"] in presets.PRESETS else next(iter(presets.PRESETS))
    chosen = flat(raw) | (_decided(plan) if plan else {})
    base = _base(preset, chosen)
    words = ["python", "-m", "vit", "train", "--preset", preset, "--data", chosen["data.source"]]
    if chosen["init.checkpoint"]:
        words += ["--init", chosen["init.checkpoint"]]
    for name, flag in LENGTHS.items():
        words += [flag, text(chosen[name])] if chosen[name] is not None else []
    exact = EXACT if plan else ()
    skipped = {FOLLOWS_DATA, "data.source", "init.checkpoint", *LENGTHS}
    for name, value in chosen.items():
        if name not in skipped and (value != base[name] or name in exact):
            words += ["--set", f"{name}={text(value)}"]
    return shlex.join(words)


def query(raw: dict) -> dict[str, str]:
    """A configuration as the address of the form: what differs from the nearest preset.

    Raises:
        CheckpointError: If the model to start from is gone.
    """
    preset = raw["preset"] if raw["preset"] in presets.PRESETS else next(iter(presets.PRESETS))
    chosen = flat(raw)
    base = _base(preset, chosen)
    named = {"preset": preset, "data": chosen["data.source"]}
    # Said in any case, because the form takes the image size of the data where nothing else is said.
    start, size = chosen["init.checkpoint"], {"model.image_size": text(chosen["model.image_size"])}
    named |= {"init": start} if start else size
    named |= {name.removeprefix("train."): text(chosen[name]) for name in LENGTHS if chosen[name] is not None}
    skipped = {FOLLOWS_DATA, "data.source", "init.checkpoint", *LENGTHS}
    return named | {name: text(value) for name, value in chosen.items() if name not in skipped and value != base[name]}


def _base(preset: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """What the command line and the form take where nothing is said; of unknown data nobody knows how much to keep."""
    info = _described(chosen["data.source"])
    base = flat(presets.build(preset, init=chosen["init.checkpoint"], data=info))
    return base if info else base | {"data.val_size": None}


def _described(source: str) -> DatasetInfo | None:
    """A data set by its name; None for one that is gone, and for a folder, which would have to be searched."""
    try:
        return None if catalog.as_path(source) else catalog.describe(source)
    except DataError:
        return None


def _decided(plan: Plan) -> dict[str, Any]:
    """What a plan says of settings that leave something open."""
    length = dict.fromkeys(LENGTHS) | {"train.steps": plan.total_steps}
    return length | {name: getattr(plan, name.partition(".")[2]) for name in PLANNED}


def flat(raw: dict) -> dict[str, Any]:
    """Every setting by its dotted name."""
    return {name: raw[name.partition(".")[0]].get(name.partition(".")[2]) for name in field_names()}


def text(value: object) -> str:
    """A value as the command line reads it, exactly."""
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")
