"""One run's folder. The only place that knows its file names.

| file              | writer                 | content                                                             |
|-------------------|------------------------|---------------------------------------------------------------------|
| ``config.json``   | launcher, once         | the whole configuration                                             |
| ``launch.json``   | launcher, each launch  | when a worker was started last                                      |
| ``expected.json`` | worker, once           | what was foretold before the first step                             |
| ``fork.json``     | launcher, once         | the run and the step that this run goes on from                     |
| ``status.json``   | worker, atomic replace | phase, step, epoch, totals, error                                   |
| ``plan.json``     | worker, once           | what was measured and decided before the first step                 |
| ``changes.jsonl`` | worker, append         | settings and lengths that hold from some step on                    |
| ``metrics.jsonl`` | worker, append         | one JSON object per line                                            |
| ``events.jsonl``  | worker, append         | what a person wants to know later                                   |
| ``tracked.*``     | worker                 | validation images whose predictions are recorded during training    |
| ``log.txt``       | worker                 | its standard output and error                                       |
| ``about.json``    | a person, by the app   | note and tags                                                       |
| ``evaluations/``  | evaluation jobs        | what ``vit.evaluation`` keeps of its checkpoints, see there         |
| ``checkpoints/``  | worker, atomic replace | ``step-N.safetensors``, each with its own description; ``series/``  |
| ``lock``          | worker holds it        | the operating system frees it when the worker dies                  |
| ``commands/``     | server                 | what the worker should do next, one file per command                |
"""

import functools
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vit import paths
from vit.errors import CheckpointError, RunError
from vit.header import read_metadata

RESERVED_IDS = {"pretrained"}
CHECKPOINT_NAME = re.compile(r"step-(0|[1-9][0-9]{0,11})\.safetensors")


# What a record may hold: numbers that can be shown and computed with.
Count = Annotated[int, Field(ge=0, le=10**15)]
Positive = Annotated[int, Field(ge=1, le=10**15)]
Share = Annotated[float, Field(ge=0, le=1)]
Time = Annotated[float, Field(ge=0, le=1e11)]  # seconds since 1970, up to about the year 5000


class Record(BaseModel):
    """Read from a file that a newer version may have written: unknown keys are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


AnyRecord = TypeVar("AnyRecord", bound=Record)


class Event(Record):
    """A line of ``events.jsonl``."""

    time: Time
    step: Count
    kind: str
    text: str


class _Metrics(Record):
    val_accuracy: float | None = None
    val_loss: float | None = None


class _Description(Record):
    """What a list needs of the description in a checkpoint."""

    epoch: float
    metrics: _Metrics


@dataclass(frozen=True)
class SavedCheckpoint:
    """A checkpoint on disk. It is complete: a file gets its name once all of it is written.

    Attributes:
        step: Optimizer updates done, as its file is called.
        epoch: Passes over the training split done.
        file: Its name, seen from ``checkpoints/``.
        val_accuracy: Of exactly these weights; None if it was saved between two validations.
        val_loss: Likewise.
    """

    step: int
    epoch: float
    file: str
    val_accuracy: float | None
    val_loss: float | None

    def merit(self) -> tuple[float, float, int]:
        """What the best checkpoint of a run has most of."""
        loss = math.inf if self.val_loss is None else self.val_loss
        return self.val_accuracy or 0.0, -loss, -self.step


class _File:
    """A path in the folder of a run."""

    def __init__(self, name: str):
        self.name = name

    def __get__(self, run: "Run", owner: type) -> Path:
        return run.path / self.name


@dataclass(frozen=True)
class Run:
    """A run's folder and the paths in it."""

    path: Path

    @classmethod
    def find(cls, run_id: str) -> "Run":
        """The run of that name.

        Raises:
            RunError: If the name is not a run's name, or there is no such run.
        """
        check_id(run_id)
        run = cls(paths.runs_root() / run_id)
        if not run.config_path.is_file():
            raise RunError(f"there is no run called {run_id!r}")
        return run

    @property
    def id(self) -> str:
        return self.path.name

    config_path = _File("config.json")
    launch_path = _File("launch.json")
    status_path = _File("status.json")
    plan_path = _File("plan.json")
    expected_path = _File("expected.json")
    fork_path = _File("fork.json")
    changes_path = _File("changes.jsonl")
    metrics_path = _File("metrics.jsonl")
    events_path = _File("events.jsonl")
    tracked_image_path = _File("tracked.png")
    tracked_path = _File("tracked.jsonl")
    log_path = _File("log.txt")
    lock_path = _File("lock")
    commands_path = _File("commands")
    checkpoints_path = _File("checkpoints")
    series_path = _File("checkpoints/series")
    about_path = _File("about.json")
    evaluations_path = _File("evaluations")

    def saved(self) -> list[SavedCheckpoint]:
        """The checkpoints that exist, oldest first; a file that isn't one is left out."""
        return self._listed(self.checkpoints_path)

    def series(self) -> list[SavedCheckpoint]:
        """The small checkpoints, weights alone in half precision, that were kept to look back: from step 0 on."""
        return self._listed(self.series_path)

    def damaged(self) -> list[str]:
        """Names of files that are called as a checkpoint is, and can't be read as one."""
        known = {saved.file for saved in self.saved()}
        names = [path.name for path in self.checkpoints_path.glob("step-*")]
        return sorted(name for name in names if CHECKPOINT_NAME.fullmatch(name) and name not in known)

    def _listed(self, folder: Path) -> list[SavedCheckpoint]:
        found = []
        for path in folder.glob("step-*"):
            name = CHECKPOINT_NAME.fullmatch(path.name)
            described = _described(path) if name else None
            if name and described:
                file = path.relative_to(self.checkpoints_path).as_posix()
                metrics = described.metrics
                found.append(
                    SavedCheckpoint(int(name[1]), described.epoch, file, metrics.val_accuracy, metrics.val_loss)
                )
        return sorted(found, key=lambda saved: saved.step)

    def best(self) -> SavedCheckpoint | None:
        """The checkpoint with the highest validation accuracy; on a tie the lowest loss, then the earlier one.

        Few images make many ties: of 12, the first steps may get all right and the last ones with more certainty.
        """
        judged = [saved for saved in self.saved() if saved.val_accuracy is not None]
        return max(judged, key=SavedCheckpoint.merit, default=None)

    def checkpoint_path(self, which: str = "best") -> Path:
        """The file of the ``best`` or ``last`` checkpoint, or of a step.

        Raises:
            RunError: If the run has no such checkpoint.
        """
        saved = self.saved()
        chosen = {str(entry.step): entry for entry in (*self.series(), *saved)}
        if saved:
            chosen |= {"last": saved[-1], "best": self.best() or saved[-1]}
        if which not in chosen:
            have = ", ".join(chosen) or "none yet"
            raise RunError(f"run {self.id} has no checkpoint {which!r}; it has {have}")
        return self.checkpoints_path / chosen[which].file


def check_id(run_id: str) -> None:
    """Refuse names that could leave the runs folder or confuse a file system.

    Raises:
        RunError: If the name is reserved, or not made of 1 to 64 lower-case letters, digits, dots, dashes and
            underscores.
    """
    if not paths.NAME.fullmatch(run_id) or run_id in RESERVED_IDS:
        raise RunError(
            f"{run_id[:80]!r} can't be a run's name; use 1 to 64 lower-case letters, digits, dashes, dots or "
            "underscores, such as first-try; not a dot at the end, nor a name that Windows keeps, such as con"
        )


def _described(path: Path) -> _Description | None:
    """The description of a checkpoint; None if there is none to be read."""
    try:
        stat = path.stat()
        return _read_description(path, stat.st_mtime_ns, stat.st_size)
    except (OSError, CheckpointError, ValidationError):
        return None


@functools.lru_cache(maxsize=4096)
def _read_description(path: Path, modified: int, size: int) -> _Description:
    return _Description.model_validate_json(read_metadata(path).get("vit", ""))


def read_json(path: Path) -> dict | None:
    """A JSON object, or None if the file is missing or damaged."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def read_lines(path: Path) -> list[dict]:
    """The JSON objects of a line file; a last line that is still being written is left out, damaged ones too."""
    try:
        content = path.read_bytes()
    except OSError:
        return []
    return parse_lines(content[: content.rfind(b"\n") + 1])


def read_records(path: Path, kind: type[AnyRecord]) -> list[AnyRecord]:
    """The records of a line file; a line that isn't one is left out."""
    found = []
    for line in read_lines(path):
        try:
            found.append(kind.model_validate(line))
        except ValidationError:
            continue
    return found


def parse_lines(content: bytes) -> list[dict]:
    """The JSON objects among complete lines."""
    lines = content.splitlines()
    try:
        values = json.loads(b"[%s]" % b",".join(lines))  # at once, so that equal keys are one object
    except (ValueError, RecursionError):
        values = [_parse(line) for line in lines]
    return [value for value in values if isinstance(value, dict)]


def _parse(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
