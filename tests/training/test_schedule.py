"""The learning rate of every step, and the lengths of a run, are what their formulas say."""

import math

import pytest
import torch

from tests.training.conftest import run_training, tiny_config
from vit.config import DataConfig, TrainConfig, share_or_count
from vit.runs.metrics import curve, read_metrics
from vit.training import loop


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_learning_rate_rises_to_its_peak_and_falls_to_zero(schedule):
    config = TrainConfig(epochs=1, lr=2.0, schedule=schedule)
    rates = [config.lr_at(s, 100, 10) for s in range(100)]
    assert rates[0] == pytest.approx(2 / 11)
    assert rates[10] == 2.0
    assert max(rates) == 2.0
    assert all(later < sooner for sooner, later in zip(rates[10:], rates[11:], strict=False))
    assert rates[55] == pytest.approx(1.0)
    assert 0 < rates[99] < 0.03


def test_the_schedule_of_torch_is_the_same():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    config = TrainConfig(epochs=1, lr=1.0, schedule="cosine")
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    for step in range(50):
        assert config.lr_at(step, 50, 0) == pytest.approx(reference.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        reference.step()


@pytest.mark.parametrize(
    ("schedule", "fall"),
    [("cosine", lambda done: (1 + math.cos(math.pi * done)) / 2), ("linear", lambda done: 1 - done)],
)
def test_every_step_of_a_run_is_made_with_the_learning_rate_of_the_formula(home, data, schedule, fall, monkeypatch):
    """Loshchilov & Hutter 2017, equation 5, behind a warm-up that reaches the peak in equal parts."""
    monkeypatch.setattr(loop, "REPORT_SECONDS", 0.0)  # after every step
    config = tiny_config(train__warmup=4, train__eval_every=12, train__lr=0.01, train__schedule=schedule)
    run, *_ = run_training(config, data, "one")
    steps, rates = curve(read_metrics(run), "lr")
    assert steps == list(range(1, 13))
    warmup = [0.01 * part / 5 for part in (1, 2, 3, 4)]
    assert rates == pytest.approx(warmup + [0.01 * fall(step / 8) for step in range(8)])


def test_a_warm_up_as_long_as_the_run_never_divides_by_zero():
    assert TrainConfig(epochs=1, lr=1.0).lr_at(3, 3, 3) == 1.0


def test_below_one_is_a_share_and_from_one_on_a_count():
    assert [share_or_count(value, 1000) for value in (0.0, 0.25, 0.9994, 1.0, 2.9)] == [0, 250, 999, 1, 2]
    assert DataConfig(val_size=0.001).num_val(100) == 1


def test_a_length_is_in_epochs_or_in_steps_and_at_least_one_step():
    assert TrainConfig(epochs=2.5).total_steps(10) == 25
    assert TrainConfig(epochs=0.01).total_steps(10) == 1
    assert TrainConfig(steps=7).total_steps(10) == 7
    assert TrainConfig(minutes=1).total_steps(10) is None
