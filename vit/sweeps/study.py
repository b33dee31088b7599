"""The study of a sweep: Optuna's samplers, pruner and storage, and which process works on which trial.

Several processes, or machines that share the folder, work on one study. A process claims a trial under ``claim.lock``
and holds the trial's own lock while it works on it. The operating system frees that lock with the process, so a trial
that Optuna calls running and whose lock is free belongs to nobody, and the next process that looks for work adopts it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.samplers import BaseSampler, GridSampler, RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState

from vit.sweeps.definition import Definition, Varied
from vit.sweeps.directory import Sweep

REASON, PRUNED = "reason", "pruned"  # user attributes of a trial
PER_MILLE = 1000  # a trial's accuracies are reported by how much of the run is done, so that lengths may differ
STARTUP_TRIALS = 4  # before anything is pruned
STARTUP_SHARE = 0.3  # of a run, likewise
TPE_STARTUP = 5  # trials drawn by chance before TPE begins

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Claimed:
    """A trial that this process works on, with the lock that says so."""

    number: int
    trial: Trial
    lock: FileLock


def open_study(sweep: Sweep) -> optuna.Study:
    """The study of a sweep; it is made by the first process that opens it."""
    definition = sweep.definition()
    path = str(sweep.journal_path)
    storage = JournalStorage(JournalFileBackend(path, lock_obj=_JournalLock(path)))
    with FileLock(sweep.claim_path):
        if not storage.get_all_studies():  # asked for again, it would be written again
            optuna.create_study(storage=storage, study_name=sweep.name, direction="maximize")
    pruner = optuna.pruners.MedianPruner(STARTUP_TRIALS, n_warmup_steps=round(STARTUP_SHARE * PER_MILLE))
    return optuna.load_study(
        storage=storage,
        study_name=sweep.name,
        sampler=sampler(definition),
        pruner=pruner if definition.pruning else optuna.pruners.NopPruner(),
    )


class _JournalLock(JournalFileOpenLock):
    """What makes appending to the journal exclusive.

    The system frees it with the process that holds it; Optuna's own stays behind for half a minute. Before a line is
    appended, what a killed writer or a full disk has left of one is cut off.
    """

    def __init__(self, path: str):
        self._path, self._lock = Path(path), FileLock(f"{path}.lock")

    def acquire(self) -> bool:
        self._lock.acquire()
        _cut_torn_line(self._path)
        return True

    def release(self) -> None:
        self._lock.release()


def _cut_torn_line(path: Path) -> None:
    with open(path, "rb+") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            return
        file.seek(size - 1)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


class _Grid(GridSampler):
    def after_trial(self, *_: object) -> None:
        """Optuna would end a loop of its own here, and this loop isn't."""


def sampler(definition: Definition, number: int = 0) -> BaseSampler:
    """What chooses the settings of a trial: a pure function of the sweep's seed, the trial and those before it.

    So a process that takes over draws what its predecessor would have drawn, and two processes draw different things.
    """
    if definition.sampler == "grid":
        return _Grid({one.name: list(one.values) for one in definition.varied}, seed=definition.seed)
    seed = (definition.seed * 1_000_003 + number) % 2**32
    return (
        RandomSampler(seed) if definition.sampler == "random" else TPESampler(n_startup_trials=TPE_STARTUP, seed=seed)
    )


def suggest(trial: Trial, one: Varied) -> None:
    """Choose a setting of a trial; one that was chosen before stays as it is."""
    if one.low is None or one.high is None:
        trial.suggest_categorical(one.name, one.values)
    elif one.is_whole:
        trial.suggest_int(one.name, int(one.low), int(one.high), log=one.log)
    else:
        trial.suggest_float(one.name, one.low, one.high, log=one.log)


def claim(sweep: Sweep, study: optuna.Study) -> Claimed | None:
    """A trial for this process: one whose process has died, or else a new one; None if there is nothing to take."""
    definition = sweep.definition()
    with FileLock(sweep.claim_path):
        trials = study.get_trials(deepcopy=False)
        adopted = next(filter(None, (_adopt(sweep, study, trial) for trial in trials if _is_running(trial))), None)
        if adopted is None and len(trials) >= definition.trials:
            return None
        claimed = adopted or _ask(sweep, study)
        study.sampler = sampler(definition, claimed.number)
        for one in definition.varied:
            suggest(claimed.trial, one)
        return claimed


def _adopt(sweep: Sweep, study: optuna.Study, trial: FrozenTrial) -> Claimed | None:
    lock = sweep.take(trial.number)
    if lock is None:
        return None
    if not _is_running(study.get_trials(deepcopy=False)[trial.number]):  # told while this process was looking
        lock.release()
        return None
    return Claimed(trial.number, Trial(study, trial._trial_id), lock)


def _ask(sweep: Sweep, study: optuna.Study) -> Claimed:
    trial = study.ask()
    lock = sweep.take(trial.number)
    assert lock is not None, "nobody else knows of this trial"
    return Claimed(trial.number, trial, lock)


def _is_running(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.RUNNING


def frozen(study: optuna.Study, number: int) -> FrozenTrial:
    """A trial as the storage has it now."""
    return study.get_trials(deepcopy=False)[number]
