"""One sweep's folder, and how a sweep is created and listed. Free of torch and of Optuna.

| file             | writer          | content                                                          |
|------------------|-----------------|------------------------------------------------------------------|
| ``sweep.json``   | creator, once   | the definition                                                   |
| ``journal.log``  | every process   | Optuna's own storage: trials, their settings, values and states  |
| ``claim.lock``   | held for an instant while a process takes a trial                                  |
| ``trials/*.lock``| held by the process that works on the trial; the system frees it with its death    |

A trial's run says in ``trial.json`` which sweep and trial it belongs to.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from vit import files, jobs, paths, processes
from vit.errors import SweepError
from vit.runs.directory import Count, Record, Run
from vit.sweeps.definition import LONGEST_NAME, Definition, check

TRIAL = "trial.json"
MODULE = "vit.sweeps.running"


class Membership(Record):
    """``trial.json`` of a run: the trial that it is."""

    sweep: str
    trial: Count


@dataclass(frozen=True)
class Sweep:
    """A sweep's folder and the paths in it."""

    path: Path

    @classmethod
    def find(cls, name: str) -> "Sweep":
        """The sweep of that name.

        Raises:
            SweepError: If there is none.
        """
        sweep = cls(paths.sweeps_root() / name)
        if not paths.NAME.fullmatch(name) or not sweep.definition_path.is_file():
            raise SweepError(f"there is no sweep called {name[:80]!r}")
        return sweep

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def definition_path(self) -> Path:
        return self.path / "sweep.json"

    @property
    def journal_path(self) -> Path:
        return self.path / "journal.log"

    @property
    def claim_path(self) -> Path:
        return self.path / "claim.lock"

    @property
    def job(self) -> str:
        """Its name among the background jobs, which no data set can have."""
        return f"sweep@{self.name}"

    def definition(self) -> Definition:
        """What it varies.

        Raises:
            SweepError: If the file is damaged.
        """
        try:
            return Definition.model_validate_json(self.definition_path.read_bytes())
        except (OSError, ValidationError) as error:
            raise SweepError(f"sweep.json of sweep {self.name} is damaged; start a new sweep") from error

    def run(self, trial: int) -> Run:
        """The run of a trial, whether it exists or not."""
        return Run(paths.runs_root() / f"{self.name}-{trial}")

    def take(self, trial: int) -> FileLock | None:
        """The lock that makes a trial this process's own; None if another living process has it."""
        lock = FileLock(self._lock_path(trial))
        files.make_folder(self.path / "trials")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return lock

    def is_worked_on(self) -> bool:
        """Whether a living process works on one of its trials."""
        return any(map(processes.is_held, (self.path / "trials").glob("*.lock")))

    def _lock_path(self, trial: int) -> Path:
        return self.path / "trials" / f"{trial}.lock"


def create(definition: Definition) -> Sweep:
    """Check a definition and claim its name. Of several that try the same name, exactly one succeeds.

    Raises:
        ConfigError: If a setting can't be varied like that.
        SweepError: If the name can't be used.
    """
    check(definition)
    check_name(definition.name)
    sweep = Sweep(paths.sweeps_root() / definition.name)
    files.make_folder(sweep.path)
    with FileLock(paths.sweeps_root() / ".create.lock"):
        check_name(definition.name)
        files.write_json(sweep.definition_path, definition.model_dump(mode="json"))
    return sweep


def check_name(name: str) -> None:
    """Refuse names that can't be a folder's, that are taken, or whose runs would have names that are.

    Raises:
        SweepError: With the reason.
    """
    if not paths.NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise SweepError(
            f"{name[:80]!r} can't be a sweep's name; use up to {LONGEST_NAME} lower-case letters, digits, dashes, dots "
            "or underscores, such as learning-rates"
        )
    if Sweep(paths.sweeps_root() / name).definition_path.exists():
        raise SweepError(f"there is already a sweep called {name!r}; choose another name")
    for path in paths.runs_root().glob(f"{name}-*"):
        if re.fullmatch(r"\d+", path.name[len(name) + 1 :]):
            raise SweepError(f"there is a run called {path.name}, as one of this sweep would be; choose another name")


def list_sweeps() -> list[Sweep]:
    """Every sweep, newest first."""
    root = paths.sweeps_root()
    found = [Sweep(path) for path in root.iterdir() if paths.NAME.fullmatch(path.name)] if root.is_dir() else []
    found = [sweep for sweep in found if sweep.definition_path.is_file()]
    return sorted(found, key=lambda sweep: sweep.definition_path.stat().st_mtime, reverse=True)


def start(sweep: Sweep) -> None:
    """Work on a sweep in the background: begin it, or go on where nobody does.

    Raises:
        JobError: If the job is running already.
    """
    jobs.start("sweep", sweep.job, MODULE, sweep.name)


def read_membership(run: Run) -> Membership | None:
    """The sweep and the trial that a run belongs to; None for an ordinary run."""
    try:
        return Membership.model_validate_json((run.path / TRIAL).read_bytes())
    except (OSError, ValidationError):
        return None


def write_membership(run: Run, membership: Membership) -> None:
    files.write_json(run.path / TRIAL, membership.model_dump())
