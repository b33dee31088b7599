"""Working on a sweep: each trial is an ordinary run, which is launched, followed and told to Optuna.

``python -m vit.sweeps.running NAME`` does it as a background job.

Nothing here is needed for a run to go on. If this process dies, its run trains on, and the process that adopts the
trial finds the run by its name, follows it, resumes it, or tells what it reached.
"""

import sys
import time
from contextlib import suppress
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState

from vit import devices, files, jobs, text
from vit.config import RunConfig, merge
from vit.data import catalog
from vit.errors import RunError, VitError
from vit.jobs import Cancelled, Progress
from vit.rules import validate
from vit.runs import launch, queue
from vit.runs.directory import Run
from vit.runs.metrics import MetricsTail, Rows
from vit.runs.status import RunState, state_of
from vit.sweeps.definition import Definition
from vit.sweeps.directory import Membership, Sweep, write_membership
from vit.sweeps.study import PER_MILLE, PRUNED, REASON, Claimed, claim, frozen, open_study

POLL_SECONDS = 0.5
STOP_SECONDS = 30.0  # between two requests to stop, should the worker have died between
MOST_RESUMES = 3  # of a run whose worker dies again and again, such as for want of memory


def work(sweep: Sweep, progress: Progress) -> str:
    """Work on trials until all are told; those of other processes are waited for, and adopted if one dies.

    Returns:
        What came out, in words.
    """
    study = open_study(sweep)
    while True:
        claimed = claim(sweep, study)
        if claimed is not None:
            _show(sweep, study, progress, f"trial {claimed.number}")
            try:
                carry_out(sweep, study, claimed)
            finally:
                claimed.lock.release()
        elif any(trial.state == TrialState.RUNNING for trial in study.get_trials(deepcopy=False)):
            _show(sweep, study, progress, "waiting for the trials of other processes")
            time.sleep(POLL_SECONDS)
        else:
            return summary(study)


def _show(sweep: Sweep, study: optuna.Study, progress: Progress, doing: str) -> None:
    told = sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))
    progress(told, sweep.definition().trials, doing)


def summary(study: optuna.Study) -> str:
    """``12 trials, 3 pruned, 1 failed; best val accuracy 61.2% (trial 7)``."""
    trials = study.get_trials(deepcopy=False)
    parts = [text.counted(len(trials), "trial")]
    for state, word in ((TrialState.PRUNED, "pruned"), (TrialState.FAIL, "failed")):
        count = sum(trial.state == state for trial in trials)
        parts += [f"{count} {word}"] if count else []
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    best = max(done, key=lambda trial: trial.value or 0.0, default=None)
    reached = f"best val accuracy {text.percent(best.value)} (trial {best.number})" if best else "none has finished"
    return f"{', '.join(parts)}; {reached}"


def carry_out(sweep: Sweep, study: optuna.Study, claimed: Claimed) -> None:
    """Bring a trial to its end, from wherever it stands, and tell it."""
    try:
        run = _started(sweep, configure(sweep.definition(), claimed.trial.params), claimed)
        _tell(study, claimed, _Following(run, study, claimed).to_its_end())
    except VitError as error:
        _fail(study, claimed, str(error))
    except (Cancelled, KeyboardInterrupt):
        _stop(sweep.run(claimed.number))
        raise


def configure(definition: Definition, chosen: dict[str, object]) -> RunConfig:
    """The configuration of a trial.

    Raises:
        ConfigError: If the chosen settings don't fit together.
        DataError: If the data set is gone.
    """
    raw = merge(definition.config, chosen)
    info = catalog.describe(raw["data"]["source"])
    return validate(raw, devices.environment(info.counts.get("train"), len(info.classes)))


def _started(sweep: Sweep, config: RunConfig, claimed: Claimed) -> Run:
    """The run of a trial: launched, or, where an earlier process did that, resumed unless it runs or has ended."""
    run = sweep.run(claimed.number)
    if not run.config_path.is_file():
        _clear_half_made(run)
        run = launch.launch(config, run.id)
    elif state_of(run).state in ("stopped", "interrupted") and PRUNED not in claimed.trial.user_attrs:
        _resume(run)
    write_membership(run, Membership(sweep=sweep.name, trial=claimed.number))
    return run


def _stop(run: Run) -> None:
    with suppress(RunError):  # it has just ended, or was never there
        launch.command(run.id, "stop")


def _resume(run: Run) -> None:
    with suppress(RunError):  # somebody else was faster
        launch.resume(run.id)


def _clear_half_made(run: Run) -> None:
    """Remove what a process that was killed while it created a run has made; anything else stays, and is refused."""
    files.remove_leftovers(run.path)
    for path in (run.lock_path, run.launch_path):
        path.unlink(missing_ok=True)
    for folder in (run.checkpoints_path, run.path):
        with suppress(OSError):
            folder.rmdir()


@dataclass
class _Following:
    """A run of a trial, watched until it ends."""

    run: Run
    study: optuna.Study
    claimed: Claimed
    resumes: int = 0
    next_stop: float = 0.0  # on the monotonic clock

    def to_its_end(self) -> RunState:
        """Report accuracies, prune, and resume what was killed; the state in which nothing more will happen."""
        tail = MetricsTail(self.run)
        while True:
            now = state_of(self.run)  # before its metrics, so that none of an ended run are missed
            self._report(now, tail.read())
            if now.state == "interrupted" and self.resumes < MOST_RESUMES:
                self.resumes += 1
                _resume(self.run)
            elif now.state == "queued":
                queue.ensure()
            elif not now.is_alive and now.state != "paused":  # by a person, who will continue it
                return now
            time.sleep(POLL_SECONDS)

    def _report(self, now: RunState, rows: Rows) -> None:
        """Tell Optuna the accuracies that it doesn't know, and stop a run that it gives up."""
        known = set(self._frozen().intermediate_values)
        for row in rows:
            place = max(0, round(PER_MILLE * row["step"] / (now.status.total_steps or max(1, row["step"]))))
            if "val_accuracy" in row and place not in known:
                known.add(place)
                self.claimed.trial.report(row["val_accuracy"], place)
                if now.is_alive and self.claimed.trial.should_prune():
                    self.claimed.trial.set_user_attr(PRUNED, True)
        is_given_up = now.is_alive and PRUNED in self._frozen().user_attrs
        if is_given_up and time.monotonic() >= self.next_stop:
            self.next_stop = time.monotonic() + STOP_SECONDS
            _stop(self.run)

    def _frozen(self) -> FrozenTrial:
        return frozen(self.study, self.claimed.number)


def _tell(study: optuna.Study, claimed: Claimed, ended: RunState) -> None:
    best = ended.status.best_val_accuracy
    if ended.state == "finished" and best is not None:
        study.tell(claimed.number, best)
    elif ended.state == "stopped":
        if PRUNED not in frozen(study, claimed.number).user_attrs:
            claimed.trial.set_user_attr(REASON, "stopped by hand")
        study.tell(claimed.number, state=TrialState.PRUNED)
    else:
        _fail(study, claimed, ended.status.error.message if ended.status.error else f"its run is {ended.state}")


def _fail(study: optuna.Study, claimed: Claimed, reason: str) -> None:
    claimed.trial.set_user_attr(REASON, reason)
    study.tell(claimed.number, state=TrialState.FAIL)


def main() -> None:
    """Work on a sweep as a background job."""
    sweep = Sweep.find(sys.argv[1])
    jobs.run(sweep.job, lambda reporter: work(sweep, reporter.progress("trials")))


if __name__ == "__main__":
    main()
