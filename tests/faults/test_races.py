"""Two people at once: pairs of actions from two processes on one run, while a starter and real workers follow them.

``VIT_TEST_RACES`` sets how many pairs. Workers are forked from a process that has imported torch already.
"""

import contextlib
import multiprocessing
import os
import random
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from tests.training.conftest import tiny_config
from vit import checkpoint, processes
from vit.errors import VitError
from vit.rules import validate
from vit.runs import fork, keeping, launch, queue, starter
from vit.runs.directory import Run, read_lines
from vit.runs.locks import control
from vit.runs.status import RESUMABLE, list_runs

ROUNDS = int(os.environ.get("VIT_TEST_RACES", "20"))
SEED = 0
ROUNDS_TOGETHER = 10  # until everything is brought to its end, and looked at
SETTLE_SECONDS = 120
ACTIONS = ("start", "stop", "pause", "continue", "resume", "delete", "fork", "extend", "change", "move", "save")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="needs a fork server")]


def act(home: str, config: dict, action: str, run_id: str, name: str, at: float) -> None:
    """What a page or a shell does; only a named refusal may come of it."""
    os.environ["VIT_HOME"] = home
    time.sleep(max(0.0, at - time.time()))
    with contextlib.suppress(VitError):
        if action == "start":
            launch.launch(validate(config), name)
        elif action == "resume":
            launch.resume(run_id)
        elif action == "delete":
            keeping.delete(run_id)
        elif action == "fork":
            last = max((saved.step for saved in Run.find(run_id).saved()), default=0)
            fork.fork(run_id, last, {"train.lr": 1e-4}, name)
        elif action == "extend":
            launch.extend(run_id, steps=4)
        elif action == "change":
            launch.change(run_id, {"train.lr": 1e-4})
        elif action == "move":
            queue.move(run_id, 0)
        else:
            launch.command(run_id, action)


def work(home: str, path: str) -> None:
    """What ``python -m vit.training`` does."""
    from vit.training.__main__ import main

    os.environ["VIT_HOME"] = home
    torch.set_num_threads(1)
    log = os.open(Path(path) / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = ["", path]
    os._exit(main())


class Worker:
    """A forked worker, asked as a ``subprocess.Popen``."""

    def __init__(self, process):
        self.process = process

    def poll(self) -> int | None:
        return self.process.exitcode


@pytest.fixture
def server():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vit.training.worker", "vit.runs.keeping"])
    return context


@pytest.fixture
def starts(server, home, monkeypatch):
    """The starter, as a thread that holds its lock, so that nobody spawns another one."""
    over = threading.Event()

    def start_worker(run, environment):
        process = server.Process(target=work, args=(str(home), str(run.path)), daemon=True)
        process.start()
        return Worker(process)

    def follow() -> None:
        one = starter.Starter()
        while not over.is_set():
            with control():
                if queue.waiting():
                    one.look()
            time.sleep(0.02)

    monkeypatch.setattr(starter, "start_worker", start_worker)
    queue.starter_lock().parent.mkdir(exist_ok=True)
    with processes.hold(queue.starter_lock()):
        thread = threading.Thread(target=follow)
        thread.start()
        yield
        over.set()
        thread.join()


def folders() -> dict[str, Run]:
    """Every run, deleted ones included, by its inode, which a rename keeps."""
    found = [Run.find(state.id) for state in list_runs()]
    found += [Run(keeping.trash() / entry.key) for entry in keeping.deleted()]
    return {str(run.config_path.stat().st_ino): run for run in found}


def newest() -> dict[str, int]:
    return {key: max((saved.step for saved in run.saved()), default=-1) for key, run in folders().items()}


def check_that_one_worker_wrote_at_a_time(run: Run) -> None:
    """Rows of attempts never mix, and the steps of one attempt never go back."""
    rows = [row for row in read_lines(run.metrics_path) if "step" in row]
    for before, after in pairwise(rows):
        assert after["attempt"] >= before["attempt"], run.log_path.read_text()
        if after["attempt"] == before["attempt"]:
            assert after["step"] >= before["step"], run.log_path.read_text()


def settle() -> None:
    """Bring every run to its end in the ways that a page offers."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while unfinished := [state for state in list_runs() if state.state != "finished"]:
        assert time.monotonic() < deadline, [(state.id, state.state, state.status.phase) for state in unfinished]
        for state in unfinished:
            with contextlib.suppress(VitError):
                if state.state == "paused":
                    launch.command(state.id, "continue")
                elif not state.is_alive and state.state in RESUMABLE:
                    launch.resume(state.id)
        time.sleep(0.1)


def test_whatever_two_ask_for_at_once_ends_in_one_clean_state(server, home, folder, starts):
    config = tiny_config(data__source=str(folder), train__steps=24, train__eval_every=8, train__save_every=0.05)
    dice = random.Random(SEED)
    for number in range(ROUNDS):
        if number % 2 == 0 or not list_runs():
            launch.launch(config, f"run-{number}")
        known, at = newest(), time.time() + 0.02 + dice.random() * 0.6
        run_id = dice.choice([state.id for state in list_runs()])
        pair = [
            server.Process(
                target=act, args=(str(home), config.to_json(), action, run_id, f"new-{number}-{dice.randint(0, 1)}", at)
            )
            for action in dice.choices(ACTIONS, k=2)
        ]
        for process in pair:
            process.start()
        for process in pair:
            process.join()
            assert process.exitcode == 0
        now = newest()
        assert {key: now.get(key, -2) >= step for key, step in known.items()} == dict.fromkeys(known, True)
        if number % ROUNDS_TOGETHER == ROUNDS_TOGETHER - 1 or number == ROUNDS - 1:
            settle()
            for run in folders().values():
                check_that_one_worker_wrote_at_a_time(run)
            for state in list_runs():
                checkpoint.load(Run.find(state.id).checkpoint_path("last"))
                keeping.delete(state.id)
            keeping.erase([entry.key for entry in keeping.deleted()])
