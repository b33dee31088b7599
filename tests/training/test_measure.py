"""What the measurement before a run makes of a machine that does other things at the same time."""

import itertools
import time

from tests.training.conftest import tiny_config
from vit.training import measure

BURST = 0.3  # seconds


def test_a_burst_of_other_work_does_not_count(data, monkeypatch):
    undisturbed, turns = measure.train_step, itertools.count()

    def step(*arguments):
        time.sleep(BURST if next(turns) % 5 < 3 else 0)
        return undisturbed(*arguments)

    monkeypatch.setattr(measure, "train_step", step)
    monkeypatch.setattr(measure, "SECONDS", 3.0)
    assert measure.seconds_per_step(tiny_config(), data, "fp32") < BURST
