"""Waiting runs: an order on disk that everybody sees alike, and one process that starts the first."""

import signal
import subprocess
import sys
import time

import pytest

from vit import files, processes
from vit.config import RunConfig
from vit.errors import RunError
from vit.runs import launch, queue, starter
from vit.runs.starter import Starter, assign_gpus
from vit.runs.status import START_SECONDS, list_runs, state_of


@pytest.fixture
def abc(home, unstarted):
    return [launch.launch(RunConfig(), name) for name in "abc"]


def aged(run) -> None:
    """Long after its launch, so that only the queue says that it waits."""
    files.write_json(run.launch_path, {"launched": time.time() - START_SECONDS - 1})


def test_waiting_runs_keep_their_order_and_can_be_moved(abc):
    assert queue.waiting() == ["a", "b", "c"]
    queue.move("c", 0)
    assert queue.waiting() == ["c", "a", "b"]
    queue.move("c", 99)
    assert queue.waiting() == ["a", "b", "c"]
    queue.add(abc[0])
    assert queue.waiting() == ["a", "b", "c"]


def test_a_run_waits_for_as_long_as_it_is_in_the_queue(abc):
    for run in abc:
        aged(run)
    assert {state.state for state in list_runs()} == {"queued"}
    queue.leave("b")
    assert state_of(abc[1]).state == "interrupted"


def test_a_withdrawn_run_is_stopped_and_can_be_resumed(abc):
    launch.command("b", "stop")
    assert queue.waiting() == ["a", "c"]
    assert state_of(abc[1]).state == "stopped"
    with pytest.raises(RunError, match="does not wait"):
        queue.withdraw("b")
    launch.resume("b")
    assert queue.waiting() == ["a", "c", "b"]
    assert state_of(abc[1]).state == "queued"


def test_a_run_can_be_edited_while_it_waits_and_not_later(abc):
    config = RunConfig(preset="plain")
    launch.edit("b", config)
    assert RunConfig.model_validate_json(abc[1].config_path.read_text()) == config
    assert queue.waiting() == ["a", "b", "c"]
    queue.leave("b")
    with pytest.raises(RunError, match="has begun"):
        launch.edit("b", RunConfig())


@pytest.mark.parametrize("content", ["", "[]", "{", '{"waiting": 3}', '{"waiting": [1, null, "a"]}'])
def test_a_damaged_order_loses_no_run(abc, content):
    (abc[0].path.parent / ".queue.json").write_text(content)
    assert queue.waiting() in ([], ["a"])
    assert {state.id for state in list_runs()} == {"a", "b", "c"}
    launch.start(abc[1])
    assert "b" in queue.waiting()


class Worker:
    """Stands for a process that takes the lock of its run, or dies before it can."""

    def __init__(self, run, ends: bool = False):
        self.run, self.ends, self.lock = run, ends, None

    def poll(self):
        return 1 if self.ends else None

    def begin(self) -> None:
        self.lock = processes.hold(self.run.lock_path)
        queue.leave(self.run.id)

    def end(self) -> None:
        self.lock.release()


@pytest.fixture
def started(monkeypatch):
    workers = []

    def start_worker(run, environment):
        workers.append(Worker(run))
        return workers[-1]

    monkeypatch.setattr(starter, "start_worker", start_worker)
    return workers


def test_one_run_at_a_time_in_the_order_of_the_queue(abc, started):
    look = Starter().look
    look()
    look()
    assert [worker.run.id for worker in started] == ["a"]
    started[0].begin()
    queue.move("c", 0)
    look()
    assert len(started) == 1
    started[0].end()
    look()
    assert [worker.run.id for worker in started] == ["a", "c"]


def test_moving_another_run_to_the_front_does_not_start_two_at_once(abc, started):
    look = Starter().look
    look()
    queue.move("c", 0)
    look()
    assert [worker.run.id for worker in started] == ["a"]


def test_a_worker_that_can_not_start_makes_way_for_the_next_run(abc, started):
    look = Starter().look
    look()
    started[0].ends = True
    look()
    look()
    assert [worker.run.id for worker in started] == ["a", "b"]
    assert queue.waiting() == ["b", "c"]


def test_a_worker_whose_log_can_not_be_written_makes_way_for_the_next_run(abc, monkeypatch):
    monkeypatch.setattr(starter.processes, "spawn", lambda *_, log, **__: log.write_text(""))
    abc[0].log_path.mkdir()
    look = Starter().look
    look()
    look()
    assert abc[1].log_path.exists()
    assert queue.waiting() == ["b", "c"]


def test_a_run_that_is_gone_makes_way_for_the_next_one(abc, started):
    abc[0].config_path.unlink()
    look = Starter().look
    look()
    look()
    assert [worker.run.id for worker in started] == ["b"]


def test_a_starter_that_was_killed_is_followed_by_one_that_starts_what_waits(abc, started):
    Starter().look()
    Starter().look()  # knows nothing of the first one's worker, which doesn't hold its lock yet
    assert [worker.run.id for worker in started] == ["a", "a"]
    started[0].begin()
    Starter().look()
    assert len(started) == 2


def test_gpus_are_given_one_to_a_run_unless_it_asks_for_more():
    assert assign_gpus(4, set(), 1) == ["0"]
    assert assign_gpus(4, {"0", "2"}, 2) == ["1", "3"]
    assert assign_gpus(2, {"0"}, 2) is None
    assert assign_gpus(2, set(), 8) == ["0", "1"]


def test_the_order_is_the_same_however_many_add_to_it_at_once(home):
    code = (
        "import sys; from vit.config import RunConfig; from vit.runs import launch, queue\n"
        "queue.start_starter = lambda: None\n"
        "for number in range(5): launch.launch(RunConfig(), f'{sys.argv[1]}-{number}')"
    )
    adding = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "xyz"]
    assert [process.wait() for process in adding] == [0, 0, 0]
    assert sorted(queue.waiting()) == sorted(f"{name}-{number}" for name in "xyz" for number in range(5))


def test_the_starter_ends_when_nothing_waits(home):
    assert starter.main() == 0
    assert not processes.is_held(queue.starter_lock())


KILLED = """
import os, signal
from vit.config import RunConfig
from vit.runs import launch, queue
write = queue._write
queue._write = lambda ids: (write(ids), os.kill(os.getpid(), signal.SIGKILL))
launch.launch(RunConfig(data={"source": "gone"}), "abandoned")
"""


def test_a_run_whose_launcher_was_killed_as_it_began_to_wait_gets_its_turn(tmp_path, monkeypatch):
    monkeypatch.setenv("VIT_HOME", str(tmp_path))
    assert subprocess.run([sys.executable, "-c", KILLED]).returncode == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while queue.waiting():  # its worker, which finds no data, leaves the queue first
        assert time.monotonic() < deadline
        time.sleep(0.1)
