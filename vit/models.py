"""Which models there are and what they say of themselves; reads only file headers, so it needs no torch."""

import json
import os
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from vit import paths
from vit.config import ENCODER, ModelConfig, RunConfig
from vit.errors import CheckpointError, RunError, VitError
from vit.header import read_metadata
from vit.rules import validate
from vit.runs.directory import Run

FORMAT_VERSION = 1
SHIPPED_FILE = "model.safetensors"

Number = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True, config=ConfigDict(strict=True))
class ModelInfo:
    """The metadata of a checkpoint: enough to rebuild the model and prepare its input."""

    run: RunConfig  # the whole configuration it was trained with
    classes: tuple[str, ...]  # names in the order of the logits
    mean: tuple[Number, ...]  # channel means on [0, 1] that inputs are normalized with
    std: tuple[Annotated[Number, Field(gt=0)], ...]  # channel standard deviations, likewise
    data: dict  # name, fingerprint and split sizes of the training data
    step: Annotated[int, Field(ge=0)]  # optimizer updates done
    epoch: Annotated[Number, Field(ge=0)]  # passes over the training split done
    metrics: dict[str, Number]  # figures at that step, such as val_accuracy
    environment: dict  # torch version, device and threads it was computed with

    @property
    def model(self) -> ModelConfig:
        return self.run.model

    def to_json(self) -> dict:
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {"format": FORMAT_VERSION, **fields, "run": self.run.to_json()}


def resolve(model: str | Path) -> Path:
    """The checkpoint file behind a MODEL: a file, a shipped model's name, a run, ``RUN@last`` or ``NAME@STEP``.

    Raises:
        CheckpointError: If there is no such model; the message lists what there is.
    """
    name = str(model)
    if os.path.isfile(name):  # unlike Path, without an error for a name that no file can have
        return Path(name)
    if name in shipped():
        return paths.pretrained_root() / name / SHIPPED_FILE
    owner, _, which = name.partition("@")
    try:
        return history(owner).checkpoint_path(which or "best")
    except RunError as error:
        known = ", ".join(shipped()) or "none"
        message = f"no model called {name!r}: {error}. Shipped models: {known}; runs: python -m vit runs"
        raise CheckpointError(message) from error


def history(name: str) -> Run:
    """The folder of a run or of a shipped model, which has ``series()``, how it came about.

    Raises:
        RunError: If there is neither.
    """
    return Run(paths.pretrained_root() / name) if name in shipped() else Run.find(name)


def shipped() -> list[str]:
    """Names of the models that come with the project."""
    return sorted(path.parent.name for path in paths.pretrained_root().glob(f"*/{SHIPPED_FILE}"))


def adopted() -> list[str]:
    """The files of weights that were taken over from timm, to start from."""
    return sorted(str(path) for path in paths.weights_root().glob("*.safetensors"))


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint of this project, rather than weights of another one."""
    try:
        return "vit" in read_metadata(path)
    except CheckpointError:
        return False


def read_info(path: Path) -> ModelInfo:
    """Read a checkpoint's own description from its header.

    Raises:
        CheckpointError: If the file is missing, isn't one of ours, or is of a newer version.
    """
    payload = read_metadata(path).get("vit")
    if not isinstance(payload, str):
        raise CheckpointError(f"{path.name} is a safetensors file, but not a ViT Lab checkpoint: it has no description")
    try:
        raw = json.loads(payload)
        if raw["format"] != FORMAT_VERSION:
            raise CheckpointError(
                f"written in format {raw['format']!s:.20}; this version of ViT Lab reads {FORMAT_VERSION}"
            )
        fields = {name: raw[name] for name in ModelInfo.__dataclass_fields__}
        tuples = {name: tuple(raw[name]) for name in ("classes", "mean", "std")}
        info = ModelInfo(**{**fields, **tuples, "run": validate(raw["run"])})
        _check_counts("classes", info.classes, info.model.num_classes)
        _check_counts("channel means", info.mean, info.model.in_channels)
        _check_counts("channel deviations", info.std, info.model.in_channels)
    except (VitError, KeyError, TypeError, ValueError, RecursionError) as error:
        words = _first_problem(error) if isinstance(error, ValidationError) else error
        raise CheckpointError(f"{path.name} has a description that can't be read: {words!s:.500}") from error
    return info


def _first_problem(error: ValidationError) -> str:
    """One line for what pydantic says in several."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg'][0].lower()}{first['msg'][1:]}"


def _check_counts(what: str, values: tuple, expected: int) -> None:
    if len(values) != expected:
        raise CheckpointError(f"it describes {len(values)} {what}, but its model has {expected}")


def check_encoder(new: ModelConfig, old: ModelConfig, name: str) -> None:
    """Refuse to pour one encoder's weights into another.

    Raises:
        CheckpointError: With every difference.
    """
    differences = [
        f"{field} is {getattr(old, field)} there and {getattr(new, field)} here"
        for field in ENCODER
        if getattr(old, field) != getattr(new, field)
    ]
    if differences:
        raise CheckpointError(f"can't start from {name}: {'; '.join(differences)}. Use the checkpoint's own values")
