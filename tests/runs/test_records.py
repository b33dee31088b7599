"""What is read of a run that has less on its disk than usual, or numbers that are just at their limits."""

import json

import pytest

from vit.config import RunConfig
from vit.runs import launch
from vit.runs.launched import Launch, read_launch, write_launch
from vit.runs.metrics import MetricsTail, curve
from vit.runs.status import RunState, Status, read_status, write_status


@pytest.fixture
def run(home):
    return launch.create(RunConfig(preset="plain"), "one")


def test_a_line_that_is_written_in_pieces_is_read_once_it_is_whole(run):
    tail = MetricsTail(run)
    for piece in ('{"st', 'ep": ', "1}"):
        with open(run.metrics_path, "a") as out:
            out.write(piece)
        assert tail.read() == []
    with open(run.metrics_path, "a") as out:
        out.write("\n")
    assert tail.read() == [{"step": 1}]
    assert tail.read() == [{"step": 1}]


def test_what_a_launch_recorded_is_read_back(run):
    write_launch(run, preset="tutorial", data="shapes")
    found = read_launch(run)
    assert (found.preset, found.data) == ("tutorial", "shapes")
    assert found.launched > 0


def test_a_run_without_a_record_of_its_launch_shows_its_configuration(run):
    run.launch_path.unlink(missing_ok=True)
    found = read_launch(run)
    assert (found.preset, found.data) == ("plain", RunConfig().data.source)
    assert found.launched == run.config_path.stat().st_mtime


def test_a_status_comes_back_as_it_was_written_and_a_missing_one_has_no_phase(run):
    status = Status(phase="training", step=3, seconds=2.5, total_steps=12, best_val_accuracy=0.5)
    run.status_path.unlink(missing_ok=True)
    assert read_status(run) == Status(phase="")
    write_status(run, status)
    assert read_status(run) == status


@pytest.mark.parametrize(("step", "total", "progress"), [(0, 10, 0), (5, 10, 0.5), (12, 10, 1), (5, None, 0)])
def test_progress_is_the_share_of_the_steps_done(step, total, progress):
    assert RunState("one", "running", Status(step=step, total_steps=total)).progress == progress


def test_a_state_as_json_has_what_a_script_needs_and_not_the_workers_notes():
    state = RunState(
        "one", "finished", Status(phase="finished", step=4), Launch(launched=1.0, preset="plain", data="x")
    )
    found = json.loads(json.dumps(state.to_json()))
    assert (found["id"], found["state"], found["step"], found["preset"]) == ("one", "finished", 4, "plain")
    assert found.keys().isdisjoint({"phase", "attempt", "seconds", "updated"})


def test_a_curve_leaves_out_rows_without_its_x():
    rows = [{"step": 1, "val_loss": 2.0}, {"val_loss": 1.5}, {"step": 3, "time": 9.0, "val_loss": 1.0}]
    assert curve(rows, "val_loss") == ([1, 3], [2.0, 1.0])
    assert curve(rows, "val_loss", x="time") == ([9.0], [1.0])
