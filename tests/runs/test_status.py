"""A run's state is derived from its lock: it can't be stuck, and it can't be faked by a file."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vit import files, processes
from vit.config import RunConfig
from vit.errors import RunError
from vit.runs import commands, launch, queue
from vit.runs import status as judging
from vit.runs.status import START_SECONDS, active, list_runs, living, state_of

HOLDER = """
import sys, time
from pathlib import Path
from vit import processes
held = processes.hold(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def run(home):
    return launch.create(RunConfig(), "one")


@pytest.fixture
def holder(run):
    """A real process that holds the run's lock, as a worker does."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(run.lock_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def note(run, **status):
    files.write_json(run.status_path, {"updated": time.time(), **status})


def test_a_held_lock_is_running_whatever_the_status_says(run, holder):
    note(run, phase="finished")
    assert state_of(run).state == "running"


def test_a_paused_worker_lives_and_a_paused_run_without_one_can_be_continued(run, holder, unstarted):
    note(run, phase="paused")
    assert (state_of(run).state, state_of(run).is_alive) == ("paused", True)
    launch.command("one", "continue")
    assert [command.word for command in commands.waiting(run)] == ["continue"]
    holder.kill()
    holder.wait()
    assert (state_of(run).state, state_of(run).is_alive) == ("paused", False)
    launch.command("one", "continue")
    assert queue.waiting() == ["one"]
    assert commands.waiting(run) == []


@pytest.mark.parametrize("before", [None, "stopped"])
def test_a_worker_that_has_not_written_since_its_launch_is_queued(run, holder, before):
    if before:
        note(run, phase=before, updated=time.time() - 60)
    assert state_of(run).state == "queued"


def test_a_killed_worker_is_interrupted_at_once_even_as_a_zombie(run, holder):
    note(run, phase="training", step=5)
    holder.kill()
    deadline = time.monotonic() + 5
    while processes.is_held(run.lock_path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert state_of(run).state == "interrupted"  # nobody has waited for the process yet


def test_probing_never_takes_the_lock_away(run):
    """Many probes at once must not look like a worker to each other."""
    assert not any(processes.is_held(run.lock_path) for _ in range(200))
    with processes.hold(run.lock_path):
        assert processes.is_held(run.lock_path)


def test_a_child_of_the_worker_does_not_inherit_the_lock(run):
    with processes.hold(run.lock_path):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"], close_fds=False)
    try:
        assert not processes.is_held(run.lock_path)
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("phase", ["stopped", "paused", "finished", "failed"])
def test_a_closing_record_is_believed_when_the_lock_is_free(run, phase):
    note(run, phase=phase)
    assert state_of(run).state == phase


@pytest.mark.parametrize("phase", ["preparing", "measuring", "training", "evaluating", ""])
def test_a_free_lock_without_a_closing_record_is_an_interruption(run, phase):
    note(run, phase=phase)
    assert state_of(run).state == "interrupted"


def test_a_worker_has_some_seconds_to_take_its_lock(run):
    assert state_of(run).state == "queued"
    files.write_json(run.launch_path, {"launched": time.time() - START_SECONDS - 1})
    assert state_of(run).state == "interrupted"


def test_those_that_live_are_found_without_judging_those_that_ended_long_ago(run, holder, monkeypatch):
    note(run, phase="training")
    for name in ("new", "old", "waits", "unlaunched"):
        other = launch.create(RunConfig(), name)
        note(other, phase="finished" if name == "old" else "", updated=0)
        if name != "unlaunched":
            files.write_json(other.launch_path, {"launched": time.time() if name == "new" else 1e9})
        if name in ("old", "waits"):
            os.utime(other.launch_path, times=(1e9, 1e9))
    files.write_json(run.path.parent / ".queue.json", {"waiting": ["waits"]})
    alive, judged = {state.id for state in list_runs() if state.is_alive}, []
    monkeypatch.setattr(judging, "state_of", lambda run, waiting: judged.append(run.id) or state_of(run, waiting))
    assert {state.id for state in living()} == alive == {"one", "new", "waits", "unlaunched"}
    assert "old" not in judged


def test_only_a_run_that_is_not_alive_can_be_resumed(run, holder):
    note(run, phase="training")
    with pytest.raises(RunError, match="one is running"):
        launch.resume("one")


def test_a_run_takes_commands_from_its_launch_to_its_end(run):
    launch.command("one", "stop")
    assert [command.word for command in commands.waiting(run)] == ["stop"]
    note(run, phase="finished")
    with pytest.raises(RunError, match="one is finished, so there is nothing to stop"):
        launch.command("one", "stop")


def test_exactly_one_of_many_gets_a_name(home):
    code = "from vit.runs import launch; from vit.config import RunConfig; launch.create(RunConfig(), 'same')"
    racers = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) for _ in range(6)]
    assert sorted(racer.wait() for racer in racers) == [0, 1, 1, 1, 1, 1]


def test_the_newest_run_comes_first_and_strange_folders_are_passed_over(home, run):
    time.sleep(0.01)
    launch.create(RunConfig(), "two")
    (run.path.parent / "pretrained").mkdir()
    (run.path.parent / "empty").mkdir()
    (run.path.parent / "file").write_text("")
    assert [state.id for state in list_runs()] == ["two", "one"]


def test_the_active_run_is_the_running_one(run, holder):
    launch.create(RunConfig(), "two")  # queued
    note(run, phase="training")
    assert active().id == "one"


def test_listing_two_hundred_runs_takes_under_a_second(home):
    for index in range(200):
        run = launch.create(RunConfig(), f"run-{index}")
        note(run, phase="finished", step=index)
        with open(run.metrics_path, "w") as metrics:
            metrics.write('{"step": 1, "train_loss": 2.0}\n' * 5000)
    start = time.perf_counter()
    assert len(list_runs()) == 200
    assert time.perf_counter() - start < 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device that is always full")
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    def write_to_a_full_disk(self, content):
        with open("/dev/full", "wb", buffering=0) as disk:
            disk.write(content)

    path = tmp_path / "status.json"
    files.write_json(path, {"a": 1})
    monkeypatch.setattr(Path, "write_bytes", write_to_a_full_disk)
    with pytest.raises(OSError, match="No space left"):
        files.write_json(path, {"a": 2})
    assert path.read_text() == '{\n "a": 1\n}'
    assert list(tmp_path.iterdir()) == [path]


REPLACED = """
import sys
from pathlib import Path
from vit import processes
path = Path(sys.argv[1])
held = processes.hold(path)
processes.remember(path)
processes.exit_if_replaced(path)
path.unlink()
processes.exit_if_replaced(path)  # nobody has taken it
path.touch()
print("going on", flush=True)
processes.exit_if_replaced(path)
print("still here", flush=True)
"""


def test_a_worker_whose_lock_was_deleted_and_taken_by_another_ends_at_once(run):
    done = subprocess.run([sys.executable, "-c", REPLACED, run.lock_path], capture_output=True, text=True)
    assert done.stdout == "going on\nanother process has taken over\n"
    assert done.returncode == 1


def test_every_process_gets_the_home_as_a_whole_path(tmp_path, monkeypatch):
    """It runs in another working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIT_HOME", "mine")
    printer = tmp_path / "mine" / "printer.py"
    printer.parent.mkdir()
    printer.write_text("import os; print(os.environ['VIT_HOME'])")
    monkeypatch.setenv("PYTHONPATH", str(printer.parent))
    processes.spawn("printer", log=tmp_path / "log.txt")
    deadline = time.monotonic() + 20
    while not (tmp_path / "log.txt").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (tmp_path / "log.txt").read_text() == f"{tmp_path / 'mine'}\n"


def test_what_is_no_run_among_the_runs_is_left_out(run):
    (run.path.parent / "notes.txt").write_text("a person's own file")
    (run.path.parent / "loop").symlink_to("loop")
    run.lock_path.unlink()
    run.lock_path.symlink_to(run.lock_path)
    assert [found.id for found in list_runs()] == [found.id for found in living()] == ["one"]
    assert active().id == "one"


READS = [(queue, "waiting"), (processes, "is_held"), (judging, "read_status"), (judging, "read_launch")]


@pytest.mark.parametrize(("place", "read"), READS, ids=[read for _, read in READS])
def test_a_run_whose_turn_comes_while_it_is_judged_is_alive(run, unstarted, monkeypatch, place, read):
    queue.add(run)
    original, locks = getattr(place, read), []

    def begin_and_read(*words):
        monkeypatch.setattr(place, read, original)
        locks.append(processes.hold(run.lock_path))
        queue.leave(run.id)
        note(run, phase="preparing")
        return original(*words)

    monkeypatch.setattr(place, read, begin_and_read)
    assert state_of(run).is_alive
    locks.pop().release()
