"""What state a run is in: derived from its lock and its last status, never believed from a field alone."""

import os
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from vit import files, paths, processes
from vit.runs import queue
from vit.runs.directory import Count, Positive, Record, Run, Time, read_json
from vit.runs.launched import Launch, read_launch

State = Literal["queued", "running", "paused", "stopped", "finished", "failed", "interrupted", "damaged"]
CLOSED: dict[str, State] = {"stopped": "stopped", "paused": "paused", "finished": "finished", "failed": "failed"}
DAMAGED: State = "damaged"
RESUMABLE = ("stopped", "paused", "failed", "interrupted", "damaged")
START_SECONDS = 30.0  # how long a launched worker may take until it holds its lock


class Failure(Record):
    """Why a run failed: a sentence with its remedy, and the name of the error."""

    message: str = ""
    kind: str = ""


class Tested(Record):
    """Test accuracy (0..1) and loss of the best checkpoint."""

    accuracy: float
    loss: float = 0.0
    images: Count = 0
    step: Count = 0


class Status(Record):
    """``status.json``: what the worker reports.

    Attributes:
        phase: What it does (queued, preparing, measuring, compiling, training, evaluating, waiting, paused, testing),
            or how it ended.
        attempt: 1 for the first start of a worker, one more for each resume.
        seconds: Time spent training, over all attempts.
        started: Unix time at which this attempt began.
        updated: Unix time of this status.
        finished: Unix time at which this attempt ended.
        first_val_accuracy: Of a trained start, before its first step; None from scratch.
        stale: Validations since the best one.
        patience: After how many of them it ends early; 0 is never.
    """

    phase: str = "queued"
    attempt: Count = 0
    step: Count = 0
    epoch: float = 0.0
    seconds: float = 0.0
    total_steps: Positive | None = None
    total_epochs: float | None = None
    best_val_accuracy: float | None = None
    first_val_accuracy: float | None = None
    stale: Count = 0
    patience: Count = 0
    started: Time | None = None
    updated: Time = 0.0
    finished: Time | None = None
    error: Failure | None = None
    test: Tested | None = None


def read_status(run: Run) -> Status:
    """The last status of a run's worker; one without a phase where it has written none, or it is damaged."""
    try:
        return Status.model_validate_json(run.status_path.read_bytes())
    except FileNotFoundError:
        return Status(phase="")
    except (OSError, ValidationError):
        return Status(phase=DAMAGED)


def write_status(run: Run, status: Status) -> None:
    files.write_json(run.status_path, status.model_dump(mode="json"))


@dataclass(frozen=True)
class RunState:
    """A run as a list shows it: its state, the last status of its worker, and its launch."""

    id: str
    state: State
    status: Status = field(default_factory=Status, repr=False)
    launch: Launch = field(default_factory=Launch, repr=False)
    is_alive: bool = False  # whether it waits for a worker, or has one

    @property
    def progress(self) -> float:
        """Share of the steps done, 0 to 1."""
        return min(1.0, self.status.step / self.status.total_steps) if self.status.total_steps else 0.0

    def to_json(self) -> dict:
        status = self.status.model_dump(mode="json", exclude={"phase", "attempt", "seconds", "updated"})
        return {"id": self.id, "state": self.state, **status, **self.launch.model_dump()}


def state_of(run: Run, waiting: Collection[str] | None = None) -> RunState:
    """Judge one run: a held lock means it lives; a free one without a closing record means it was interrupted.

    A run that doesn't live is damaged if its status or its configuration can't be read; one that has failed for that
    reason says so itself.

    Args:
        run: Which one.
        waiting: The names of the runs that wait, where they are known already.
    """
    # In this order: a worker that begins holds its lock before it leaves the queue, and one that ends writes its status
    # before it gives the lock back.
    is_waiting = run.id in (queue.waiting() if waiting is None else waiting)
    has_worker = processes.is_held(run.lock_path)
    status, launch = read_status(run), read_launch(run)
    state = _with_worker(status, launch) if has_worker else "queued" if is_waiting else _without(status, launch)
    is_alive = has_worker or state == "queued"
    if not is_alive and state != "failed" and (status.phase == DAMAGED or read_json(run.config_path) is None):
        state = DAMAGED
    return RunState(run.id, state, status, launch, is_alive)


def _with_worker(status: Status, launch: Launch) -> State:
    is_new = status.updated < launch.launched  # the worker of this launch has not written yet
    if status.phase in ("", "queued") or (is_new and status.phase in CLOSED):
        return "queued"
    return "paused" if status.phase == "paused" else "running"


def _without(status: Status, launch: Launch) -> State:
    if status.updated < launch.launched:
        if launch.is_withdrawn:
            return "stopped"
        if 0 <= time.time() - launch.launched < START_SECONDS:
            return "queued"
    return CLOSED.get(status.phase, "interrupted")


def all_runs() -> list[Run]:
    """The folder of every run, in no order; folders that are not runs are left out."""
    return [run for run in _folders() if run.config_path.is_file()]


def _folders() -> list[Run]:
    root = paths.runs_root()
    names = os.listdir(root) if root.is_dir() else []
    return [Run(root / name) for name in names if paths.NAME.fullmatch(name)]


def list_runs() -> list[RunState]:
    """Every run, newest first."""
    waiting = queue.waiting()
    found = [state_of(run, waiting) for run in all_runs()]
    return sorted(found, key=lambda run: run.launch.launched, reverse=True)


def living() -> list[RunState]:
    """The runs that have a worker or wait for one; quick, however many others there are."""
    waiting = queue.waiting()
    alive = [run for run in _folders() if _may_live(run, waiting) and run.config_path.is_file()]
    return [state for run in alive if (state := state_of(run, waiting)).is_alive]


def _may_live(run: Run, waiting: Collection[str]) -> bool:
    """Whether it holds its lock, waits, or was launched so shortly ago that its worker may still be on its way."""
    return run.id in waiting or processes.is_held(run.lock_path) or _age(run.launch_path) < START_SECONDS


def _age(path: Path) -> float:
    """Seconds since a file was written; a file that isn't there is new."""
    try:
        return time.time() - os.stat(path).st_mtime
    except OSError:
        return 0.0


def active() -> RunState | None:
    """The run that trains now, or else one that is paused or waits; the newest of several."""
    order = ("running", "paused", "queued")
    return min(living(), key=lambda run: (order.index(run.state), -run.launch.launched), default=None)
