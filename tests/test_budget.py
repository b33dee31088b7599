"""A time becomes the configuration of which most is expected within it."""

import dataclasses
import math
import shlex

import pytest

from vit import budget, devices
from vit.__main__ import build_parser, main
from vit.data import catalog
from vit.data.cifar10 import CLASSES
from vit.data.store import DatasetInfo
from vit.runs import speed
from vit.runs.speed import Speed

CIFAR10 = DatasetInfo("images", "imported", CLASSES, {"train": 50_000, "test": 10_000}, 32, fingerprint="")


@pytest.fixture(autouse=True)
def cpu(home, monkeypatch):
    hardware = devices.Hardware("cpu", "CPU", 2, 8 * 10**9)
    monkeypatch.setattr(devices, "describe", lambda: hardware)


def measure(config) -> bool:
    speed.remember(config, Speed(training=600, validation=2000, saving=0.1, preparation=8, measuring=2))
    return True


@pytest.mark.parametrize("minutes", [1, 3, 10, 60])
def test_what_is_recommended_is_done_within_the_time(minutes):
    best, second, *_ = budget.recommend(minutes, CIFAR10, measure)
    for one in (best, second):
        steps = speed.steps(one.config, 50_000, one.speed)
        seconds = speed.seconds(one.config, 50_000, 10_000, steps, one.speed)
        assert 60 * minutes - 20 < seconds <= 60 * minutes
    assert best.reaches.low >= second.reaches.low


def test_no_other_candidate_is_surer(home):
    best, *_ = budget.recommend(10, CIFAR10, measure)
    assert best.reaches.low == max(one.reaches.low for one in budget.ranked(10, CIFAR10))


def test_more_time_is_expected_to_bring_more():
    reached = [budget.ranked(minutes, CIFAR10)[0].reaches.low for minutes in (1, 3, 10, 30)]
    assert reached == sorted(reached)


def test_the_best_two_are_measured_and_never_more_than_three():
    asked = []
    found = budget.recommend(10, CIFAR10, lambda config: asked.append(config) or measure(config))
    assert 1 <= len(asked) <= budget.MOST_MEASURED
    assert found[0].is_measured
    assert "600 images/s, measured on this machine" in budget.reasons(found, 10)[0]


def test_what_can_not_be_measured_is_estimated():
    found = budget.recommend(10, CIFAR10, lambda config: False)
    assert not found[0].is_measured
    assert "images/s, estimated" in budget.reasons(found, 10)[0]


def test_an_estimate_follows_from_the_cost():
    """Nothing says how fast a small model is but a larger one that costs about the same per operation."""
    (_, _, config), *_ = budget._recipes(CIFAR10)
    wider = 1.5 * config.model.embed_dim
    wide = next(one for _, changed, one in budget._recipes(CIFAR10) if changed.get("model.embed_dim") == wider)
    rate = Speed(training=600, validation=2000)
    slower = budget._estimated(wide, {config: rate})
    assert 600 / 2.25 < slower.training < 600  # up to 1.5 * 1.5 times the cost
    assert budget._estimated(config, {config: rate}) == rate


def test_the_command_line_prints_a_command_that_trains_it(monkeypatch, capsys):
    monkeypatch.setattr(catalog, "describe", lambda source: CIFAR10)
    monkeypatch.setattr(speed, "measure", measure)
    assert main(["budget", "--minutes", "10", "--data", "images"]) == 0
    out, err = capsys.readouterr()
    assert "Expected val accuracy:" in err
    python, m, vit, *words = shlex.split(out)
    args = build_parser().parse_args(words)
    assert (args.command, args.data) == ("train", "images")
    assert 9 < args.minutes < 10


@pytest.mark.parametrize("minutes", [0.1, 9e4, 1e6, math.inf, math.nan])
def test_a_time_that_nothing_is_known_of_is_refused(minutes):
    with pytest.raises(budget.BudgetError, match="recorded so far|give one"):
        budget.ranked(minutes, CIFAR10)


def test_unknown_data_is_refused():
    with pytest.raises(budget.BudgetError, match="train a preset on it first"):
        budget.ranked(10, dataclasses.replace(CIFAR10, classes=("cat", "dog")))


def test_a_recommendation_says_what_differs_from_the_preset():
    wide = next(one for one in budget.ranked(10, CIFAR10) if "model.depth" in one.settings)
    assert f"with depth {wide.settings['model.depth']}" in budget.title(wide)
    assert wide.config.model.depth == wide.settings["model.depth"]
