"""What a list says of runs is what the runs say, however often it was remembered."""

import time
from contextlib import ExitStack

import pytest
from worlds import accuracy_at, grow, held, written_run

from vit import files
from vit.runs import status
from vit.runs.about import write_about
from vit.runs.metrics import curve, read_metrics
from vit.runs.status import Status, write_status
from vit.runs.summary import Summaries, accuracies


@pytest.fixture
def run(home):
    found = written_run("one", "stopped", 300)
    files.write_json(found.launch_path, {"launched": time.time() - 60, "preset": "1-minute", "data": "shapes"})
    return found


def test_a_summary_says_what_the_files_say(run):
    write_status(run, Status(phase="finished", step=300, total_steps=300, test=status.Tested(accuracy=0.61)))
    files.write_json(run.fork_path, {"parent": "other", "step": 200})
    write_about("one", "a Note", ["paper"])
    (found,) = Summaries().read()
    assert (found.id, found.state.state, found.test_accuracy, found.device) == ("one", "finished", 0.61, "CPU")
    assert (found.parent, found.fork_step) == ("other", 200)
    assert list(found.accuracies) == [accuracy_at(step) for step in (100, 200, 300)]
    assert all(found.matches(words) for words in ("", "ONE", "paper note", "shapes", "1-min cpu", "other"))
    assert not found.matches("paper absent")


def test_every_change_of_a_file_is_seen_and_nothing_is_read_twice(run, monkeypatch):
    reader, reads = Summaries(), []
    monkeypatch.setattr("vit.runs.summary.accuracies", lambda run: reads.append(run.id) or accuracies(run))
    reader.read()
    reader.read()
    assert reads == ["one"]
    grow(run, 400)
    assert len(reader.read()[0].accuracies) == 4
    write_about("one", "new")
    assert reader.read()[0].about.note == "new"
    write_status(run, Status(phase="failed"))
    assert reader.read()[0].state.state == "failed"


def test_a_worker_that_dies_is_seen_without_a_change_of_files(run, monkeypatch):
    write_status(run, Status(phase="training", step=300, updated=time.time()))
    reader = Summaries()
    assert reader.read()[0].state.state == "interrupted"
    with ExitStack() as stack:
        held(run, stack)
        assert reader.read()[0].state.state == "running"
    assert reader.read()[0].state.state == "interrupted"


def test_runs_come_and_go(run):
    reader = Summaries()
    assert [found.id for found in reader.read()] == ["one"]
    written_run("two", "finished", 100)
    (run.path.parent / "no-run").mkdir()
    assert [found.id for found in reader.read()] == ["two", "one"]
    (run.path / "config.json").unlink()
    assert [found.id for found in reader.read()] == ["two"]


LINES = [
    b'{"resumed_at": 100}\n',
    b'{"resumed_at": 0}\n{"step": 50, "val_accuracy": 0.9}\n',
    b'{"step": 150, "val_accuracy": 0.9}\n',  # the line that tells of a resume was lost
    b'{"step": 400, "val_accuracy": "x"}\n{"step": true, "val_accuracy": 1}\n[]\nval_accuracy\n',
    b'{"step": 150, "val_accuracy": "x"}\n{"step": 160, "val_accuracy": 0.5}\n',
    b'{"step": 400, "val_accuracy": NaN}\n{"step": 400, "val_accuracy": null}\n{"val_accuracy": 0.5}\n',
    b'{"step": 400, "val_accuracy": 0.9}',  # still being written
]


@pytest.mark.parametrize("lines", LINES)
def test_the_quick_reading_of_a_curve_equals_the_whole_one(run, lines):
    with run.metrics_path.open("ab") as file:
        file.write(lines)
    assert accuracies(run) == curve(read_metrics(run), "val_accuracy")[1]
