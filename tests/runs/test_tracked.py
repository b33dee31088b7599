"""What is recorded of the tracked images, and what of it counts."""

import pytest
from worlds import plan, track, written_run

from vit import files
from vit.runs.tracked import read_tracked


@pytest.fixture
def run(home):
    return written_run("one", step=0)


def test_what_a_resumed_run_records_anew_replaces_the_old(run):
    for step in (100, 200, 150):
        track(run, step)
    assert [row.step for row in read_tracked(run, plan())] == [100, 150]


def test_a_row_that_does_not_fit_the_plan_is_left_out(run):
    track(run, 100)
    good = read_tracked(run, plan())[0].model_dump()
    for name in ("probabilities", "attention"):
        files.append_line(run.tracked_path, good | {"step": 200, name: good[name][:-1]})
        files.append_line(run.tracked_path, good | {"step": 200, name: [row[:-1] for row in good[name]]})
        files.append_line(run.tracked_path, good | {"step": 200, name: None})
    assert [row.step for row in read_tracked(run, plan())] == [100]
