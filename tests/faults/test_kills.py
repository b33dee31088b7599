"""kill -9 at random instants: nothing that was saved is lost, nothing is left over, and the end is the same bit by bit.

``VIT_TEST_KILLS`` sets how many kills, half of them for each seed; each run is killed and resumed until it finishes.
"""

import multiprocessing
import os
import random
import time
from pathlib import Path

import pytest
import torch

from tests.training.conftest import EVERYTHING, tiny_config
from vit import checkpoint, processes
from vit.runs import launch
from vit.runs.directory import Run
from vit.runs.metrics import read_metrics
from vit.runs.status import state_of

KILLS = int(os.environ.get("VIT_TEST_KILLS", "100"))
MOST_ATTEMPTS = 200  # of one run
SEEDS = (0, 1)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="needs a fork server")]


def attempt(path: str) -> None:
    """What ``python -m vit.training`` does, in a process that has imported torch already."""
    torch.set_num_threads(1)
    from vit.training.worker import work

    run = Run(Path(path))
    log = os.open(run.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    with processes.hold(run.lock_path):
        code = work(run)
    os._exit(code)


@pytest.fixture(scope="module")
def server():
    """Forks processes that have imported torch, so that a start takes milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vit.training.worker"])
    first = context.Process(target=os.getpid)  # after it, the server is ready
    first.start()
    first.join()
    return context


def started(server, run: Run):
    process = server.Process(target=attempt, args=(str(run.path),), daemon=True)
    process.start()
    return process


def saved_now(run: Run) -> tuple[set[int], set[int]]:
    """The newest checkpoint and the frames that are on disk."""
    newest = {saved.step for saved in run.saved()[-1:]}
    return newest, {saved.step for saved in run.series()}


def content(run: Run) -> dict:
    """Everything a finished run has to show: names of files, tensors of its last checkpoint and of its frames."""
    names = {str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file()}
    tensors, _ = checkpoint.load(run.checkpoint_path("last"))
    frames = {saved.step: checkpoint.load(run.checkpoints_path / saved.file)[0] for saved in run.series()}
    validations = [(row["step"], row["val_loss"]) for row in read_metrics(run) if "val_loss" in row]
    return {"names": names, "last": tensors, "frames": frames, "validations": validations}


def assert_same(one: dict, other: dict) -> None:
    assert one["names"] == other["names"]
    assert one["validations"] == other["validations"]
    assert one["frames"].keys() == other["frames"].keys()
    pairs = [(one["last"], other["last"]), *((frame, other["frames"][step]) for step, frame in one["frames"].items())]
    for first, second in pairs:
        assert first.keys() == second.keys()
        assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_and_the_end_is_the_same(server, home, folder, seed):
    more = EVERYTHING | {"train.optimizer": "muon", "train.eval_every": 8, "train.steps": 48}
    config = tiny_config(data__source=str(folder), **{name.replace(".", "__"): value for name, value in more.items()})
    whole = launch.create(config, "whole")
    began = time.monotonic()
    started(server, whole).join()
    seconds = time.monotonic() - began
    assert state_of(whole).state == "finished", whole.log_path.read_text()
    expected, dice, kills, runs = content(whole), random.Random(seed), 0, 0
    while kills < KILLS / len(SEEDS):
        run, runs = launch.create(config, f"run-{runs}"), runs + 1
        for _ in range(MOST_ATTEMPTS):
            before, frames = saved_now(run)
            process = started(server, run)
            process.join(dice.uniform(0, 1.1 * seconds))
            if process.is_alive():
                process.kill()
                process.join()
                kills += 1
            newest, frames_now = saved_now(run)
            assert max(newest, default=-1) >= max(before, default=-1)
            assert frames_now >= frames
            if newest:
                checkpoint.load(run.checkpoint_path("last"))  # whole, not torn
            if state_of(run).state == "finished":
                break
        assert_same(content(run), expected)
    print(f"{kills} kills in {runs} runs of {seconds:.2f} s, seed {seed}")
