"""What state a run is in: derived from its lock and its last status, never believed from a field alone."""

import time
from dataclasses import dataclass, field

from vit import paths
from vit.runs import lock
from vit.runs.directory import RUN_ID, Run, read_json

ENDED = ("stopped", "paused", "finished", "failed")
ALIVE = ("queued", "running")
RESUMABLE = ("stopped", "paused", "failed", "interrupted")
START_SECONDS = 30.0  # how long a launched worker may take until it holds its lock


@dataclass(frozen=True)
class RunState:
    """A run as a list shows it.

    Attributes:
        state: queued, running, paused, stopped, finished, failed or interrupted.
        status: The last ``status.json``.
    """

    id: str
    state: str
    status: dict = field(repr=False)

    @property
    def phase(self) -> str:
        """What the worker is doing right now: preparing, measuring, training, ..."""
        return self.status.get("phase", "")

    @property
    def step(self) -> int:
        return self.status.get("step", 0)

    @property
    def total_steps(self) -> int | None:
        return self.status.get("total_steps")

    @property
    def epoch(self) -> float:
        return self.status.get("epoch", 0.0)

    @property
    def best_val_accuracy(self) -> float | None:
        return self.status.get("best_val_accuracy")

    @property
    def progress(self) -> float:
        """Share of the steps done, 0 to 1."""
        return min(1.0, self.step / self.total_steps) if self.total_steps else 0.0

    @property
    def is_alive(self) -> bool:
        return self.state in ALIVE

    def to_json(self) -> dict:
        figures = {name: getattr(self, name) for name in ("id", "state", "step", "total_steps", "epoch")}
        more = {name: self.status.get(name) for name in ("preset", "data", "launched", "finished", "error", "test")}
        return {**figures, "best_val_accuracy": self.best_val_accuracy, **more}


def state_of(run: Run) -> RunState:
    """Judge one run: a held lock means it lives; a free one without a closing record means it was interrupted."""
    alive = lock.is_held(run.lock_path)
    status = read_json(run.status_path) or {}
    return RunState(run.id, _judge(alive, status), status)


def _judge(alive: bool, status: dict) -> str:
    phase = status.get("phase")
    if alive:
        return "queued" if phase == "queued" else "running"
    if phase in ENDED:
        return phase
    just_launched = phase == "queued" and 0 <= time.time() - status.get("launched", 0) < START_SECONDS
    return "queued" if just_launched else "interrupted"


def listing() -> list[RunState]:
    """Every run, newest first. Folders that are no runs are passed over."""
    root = paths.runs_root()
    folders = [path for path in root.iterdir() if RUN_ID.fullmatch(path.name)] if root.is_dir() else []
    runs = [Run(path) for path in folders if (path / "config.json").is_file()]
    return sorted(map(state_of, runs), key=lambda state: state.status.get("launched", 0), reverse=True)


def active() -> RunState | None:
    """The run that is training now, or else waiting to."""
    alive = [state for state in listing() if state.is_alive]
    return next((state for state in alive if state.state == "running"), next(iter(alive), None))
