"""A waiting run is told when it can be expected to begin."""

from contextlib import ExitStack

import pytest
from worlds import config, held, written_run

from vit.runs import launch, queue
from vit.runs.turn import seconds_until


@pytest.fixture
def waiting(home, unstarted):
    """Three runs of one minute that wait."""
    for name in ("a", "b", "c"):
        launch.launch(config(), name)


@pytest.fixture
def alive():
    with ExitStack() as stack:
        yield stack


def test_what_runs_counts_by_its_own_pace_and_what_waits_before_by_its_length(waiting, alive):
    held(written_run("quick-otter", "training", 500), alive)  # 500 of 1,000 steps in 50 s
    assert [seconds_until(name) for name in ("a", "b", "c")] == [50, 110, 170]
    queue.move("c", 0)
    assert seconds_until("c") == 50


def test_nobody_knows_how_long_a_paused_run_takes(waiting, alive):
    held(written_run("quick-otter", "paused", 500), alive)
    assert seconds_until("a") is None


def test_a_run_that_does_not_wait_has_no_turn(waiting):
    queue.leave("a")
    assert seconds_until("a") is None
    assert seconds_until("nobody") is None
