"""Each trial is an ordinary run, and Optuna is told how it ended."""

import os
import signal
import subprocess
import sys
import time

import pytest
from optuna.trial import TrialState

from tests.training.conftest import tiny_config
from vit import files, jobs, processes
from vit.runs import commands, launch
from vit.runs.directory import Run, read_lines
from vit.runs.status import Failure, Status, list_runs, state_of, write_status
from vit.sweeps import directory, running, trials
from vit.sweeps.directory import Sweep, read_membership
from vit.sweeps.study import PER_MILLE, PRUNED, claim, frozen, open_study

RATES, POOLS = "train.lr=1e-4..1e-2:log", "model.pool=cls,mean"
TIMEOUT = 240  # seconds


@pytest.fixture
def left(made):
    """A trial whose run was launched, and left in a state, by a process that has died since."""

    def leave(phase: str, accuracies: tuple[float, ...] = (0.4, 0.6), pruned: bool = False, **status):
        sweep = made(RATES, trials=1)
        claimed = claim(sweep, open_study(sweep))
        run = launch.create(running.configure(sweep.definition(), claimed.trial.params), "tiny-0")
        for place, accuracy in enumerate(accuracies, 1):
            files.append_line(run.metrics_path, {"step": 6 * place, "val_accuracy": accuracy})
        best = max(accuracies, default=None)
        now = {"phase": phase, "step": 12, "total_steps": 12, "updated": time.time() + 1}
        write_status(run, Status(**now, best_val_accuracy=best, **status))
        if pruned:
            claimed.trial.set_user_attr(PRUNED, True)
        claimed.lock.release()
        return sweep

    return leave


def worked_on(sweep: Sweep):
    """Adopt the trial and bring it to its end."""
    running.work(sweep, lambda *_: None)
    return frozen(open_study(sweep), 0)


@pytest.fixture
def shared_images(made, folder):
    """Makes sweeps of real, tiny runs."""
    return lambda *varied, **choice: made(*varied, config=tiny_config(data__source=str(folder)).to_json(), **choice)


def test_a_finished_run_that_was_not_told_is_told_and_not_trained_again(left):
    sweep = left("finished")
    trial = worked_on(sweep)
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 0.6)
    assert trial.intermediate_values == {PER_MILLE // 2: 0.4, PER_MILLE: 0.6}
    assert [run.id for run in list_runs()] == ["tiny-0"]
    assert not Run.find("tiny-0").log_path.exists()  # no worker was started


def test_a_failed_run_fails_its_trial_with_its_reason(left):
    trial = worked_on(left("failed", error=Failure(message="out of memory")))
    assert trial.state == TrialState.FAIL
    assert trial.user_attrs["reason"] == "out of memory"


def test_a_run_that_was_given_up_is_pruned_and_stays_stopped(left):
    sweep = left("stopped", pruned=True)
    trial = worked_on(sweep)
    assert (trial.state, trial.value) == (TrialState.PRUNED, 0.6)
    assert state_of(Run.find("tiny-0")).state == "stopped"


def test_a_run_says_which_trial_it_is(left):
    worked_on(left("finished"))
    membership = read_membership(Run.find("tiny-0"))
    assert (membership.sweep, membership.trial) == ("tiny", 0)


def test_settings_that_do_not_fit_together_fail_their_trial_and_not_the_sweep(made):
    sweep = made("model.num_heads=3,5", sampler="grid", trials=2)
    told = running.work(sweep, lambda *_: None)
    assert told == "2 trials, 2 failed; none has finished"
    assert all("does not divide" in row.reason for row in trials.read(sweep))
    assert list_runs() == []


def test_what_a_killed_launcher_left_of_a_run_does_not_block_its_name(made):
    sweep = made()
    run = sweep.run(0)
    run.checkpoints_path.mkdir(parents=True)
    run.lock_path.touch()
    running._clear_half_made(run)
    assert not run.path.exists()
    run.path.mkdir()
    (run.path / "notes.txt").write_text("mine")
    running._clear_half_made(run)
    assert (run.path / "notes.txt").read_text() == "mine"


def test_poor_trials_are_behind_the_median_at_the_same_point_of_the_run(made):
    """Runs of 100 and of 400 steps are compared by how much of them is done."""
    sweep = made(RATES, trials=6)
    study = open_study(sweep)
    for _ in range(5):
        claimed = claim(sweep, study)
        claimed.trial.report(0.5, PER_MILLE // 2)
        study.tell(claimed.number, 0.6)
        claimed.lock.release()
    claimed = claim(sweep, study)
    run = launch.create(tiny_config(), "tiny-5")
    following = running._Following(run, study, claimed)
    with processes.hold(run.lock_path):  # a living worker
        write_status(run, Status(phase="training", step=200, total_steps=400, updated=time.time() + 1))
        following._report(state_of(run), [{"step": 100, "val_accuracy": 0.1}])
        assert PRUNED not in frozen(study, 5).user_attrs  # too early
        assert commands.waiting(run) == []
        following._report(state_of(run), [{"step": 100, "val_accuracy": 0.1}, {"step": 200, "val_accuracy": 0.2}])
        assert PRUNED in frozen(study, 5).user_attrs
        assert [command.word for command in commands.waiting(run)] == ["stop"]


@pytest.mark.slow
def test_a_tiny_sweep_trains_runs_and_tells_what_they_reached(shared_images):
    sweep = shared_images(POOLS, sampler="grid", trials=1)
    told = running.work(sweep, lambda *_: None)
    (row,) = trials.read(sweep)
    run = Run.find("tiny-0")
    assert row.state == "complete"
    assert row.value == state_of(run).status.best_val_accuracy
    assert row.params["model.pool"] in run.config_path.read_text()
    assert told.startswith("1 trial; best val accuracy")


def background(sweep: Sweep) -> subprocess.Popen:
    """A process of the sweep, as a job or a shell starts it."""
    jobs.folder().mkdir(exist_ok=True)
    code = (
        "import sys; from vit.sweeps import running; from vit.sweeps.directory import Sweep;"
        "running.work(Sweep.find(sys.argv[1]), lambda *_: None)"
    )
    return subprocess.Popen([sys.executable, "-c", code, sweep.name], env={**os.environ, **processes.ENVIRONMENT})


def wait_until(condition) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, list_runs()
        time.sleep(0.05)


def check_nothing_is_lost_or_doubled(sweep: Sweep, count: int) -> None:
    rows = trials.read(sweep)
    assert [row.state for row in rows] == ["complete"] * count
    assert sorted(run.id for run in list_runs()) == sorted(f"{sweep.name}-{number}" for number in range(count))
    for row in rows:
        run = Run.find(row.run)
        assert row.value == state_of(run).status.best_val_accuracy
        started = [line["kind"] for line in read_lines(run.events_path)].count("started")
        assert started == 1, f"{row.run} was trained from the start {started} times"


@pytest.mark.slow
def test_kill_9_half_way_loses_and_doubles_no_trial(shared_images):
    """Twelve trials; the process is killed after each of three moments: between trials, and while a run trains."""
    sweep = shared_images(RATES, POOLS, trials=12, pruning=False)
    for done in (2, 5, 8):
        process = background(sweep)
        wait_until(lambda done=done: sum(row.state == "complete" for row in trials.read(sweep)) >= done)
        wait_until(lambda: any(row.state == "running" for row in trials.read(sweep)))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    last = background(sweep)
    assert last.wait(TIMEOUT) == 0
    check_nothing_is_lost_or_doubled(sweep, 12)


@pytest.mark.slow
def test_two_processes_share_a_sweep_and_one_takes_over_from_the_other(shared_images):
    sweep = shared_images(RATES, POOLS, trials=6, pruning=False)
    first, second = background(sweep), background(sweep)
    wait_until(lambda: sum(row.state == "running" for row in trials.read(sweep)) == 2)
    wait_until(lambda: sum(row.state == "complete" for row in trials.read(sweep)) >= 2)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert second.wait(TIMEOUT) == 0
    check_nothing_is_lost_or_doubled(sweep, 6)


@pytest.mark.slow
def test_a_cancelled_sweep_stops_its_run_and_goes_on_from_there(shared_images):
    sweep = shared_images("train.steps=600,601", sampler="grid", trials=1, pruning=False)
    directory.start(sweep)
    wait_until(lambda: sweep.run(0).config_path.exists() and state_of(sweep.run(0)).status.step > 0)
    jobs.cancel(sweep.job)
    wait_until(lambda: not jobs.is_running(sweep.job))
    wait_until(lambda: not state_of(sweep.run(0)).is_alive)
    assert jobs.status(sweep.job).state == "cancelled"
    assert state_of(sweep.run(0)).state == "stopped"
    directory.start(sweep)
    wait_until(lambda: not jobs.is_running(sweep.job))
    assert jobs.status(sweep.job).state == "finished"
    check_nothing_is_lost_or_doubled(sweep, 1)
