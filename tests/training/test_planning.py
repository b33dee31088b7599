"""What the measurement before a run makes of a machine that does other things at the same time."""

import itertools
import time

from tests.training.conftest import tiny_config
from vit.training import planning

BURST = 0.3  # seconds


def test_a_burst_of_other_work_does_not_count(data, monkeypatch):
    undisturbed, turns = planning.train_step, itertools.count()

    def step(*arguments):
        time.sleep(BURST if next(turns) % 5 < 3 else 0)
        return undisturbed(*arguments)

    monkeypatch.setattr(planning, "train_step", step)
    assert planning.seconds_per_step(tiny_config(), data, "fp32", seconds=3.0) < BURST


def test_a_long_run_given_in_minutes_is_measured_longer_but_nobody_waits_long():
    seconds = [
        planning.seconds_to_measure(tiny_config(train__steps=None, train__minutes=m).train)
        for m in (0.2, 1, 5, 30, 480)
    ]
    assert seconds == sorted(seconds)
    assert seconds[0] == planning.seconds_to_measure(tiny_config().train) == planning.MIN_SECONDS
    assert seconds[2] >= 3 * seconds[0]
    assert seconds[-1] == planning.MAX_SECONDS
