"""What is foretold of a run before its first step, and graded after its last."""

import pytest
from worlds import config, written_run

from vit import files, forecast
from vit.data import shapes
from vit.data.cifar10 import CLASSES
from vit.runs import speed
from vit.runs.speed import Speed
from vit.runs.status import state_of

CIFAR10 = (CLASSES, 50_000, 10_000)
EXPECTED = {"accuracy": 0.68, "low": 0.6, "high": 0.72, "count": 3}


def foretold(run, total_steps=1000):
    made = forecast.Forecast(total_steps=total_steps, seconds=100, reaches=EXPECTED, curve=[(0.5, 0.5, 0.4, 0.6)])
    forecast.write(run, made)
    return made


def test_a_length_in_minutes_needs_a_speed(home):
    minute = config(**{"train.minutes": 1})
    assert forecast.of(minute, *CIFAR10) is None
    speed.remember(minute, Speed(training=600, validation=2000))
    found = forecast.of(minute, *CIFAR10)
    assert found.total_steps * 64 == pytest.approx(600 * 60, rel=0.2)
    assert 60 < found.seconds < 90
    assert found.reaches.low < found.reaches.high
    assert found.curve[-1][1] == found.reaches.accuracy


def test_without_a_speed_the_accuracy_is_told_and_no_time(home):
    found = forecast.of(config(**{"train.epochs": 0.5}), *CIFAR10)
    assert found.seconds is None
    assert found.reaches


def test_on_unknown_data_the_time_is_told_and_no_accuracy(home):
    minute = config(**{"train.minutes": 1})
    speed.remember(minute, Speed(training=600, validation=2000))
    found = forecast.of(minute, ("cat", "dog"), 9000, 1000)
    assert found.seconds > 60
    assert (found.reaches, found.curve) == (None, ())


def test_settings_that_do_not_fit_the_data_yet_are_no_reason_to_fail(home):
    found = forecast.of(config(**{"train.epochs": 1, "data.val_size": 60_000}), *CIFAR10)
    assert (found.total_steps, found.reaches) == (1, None)


def test_a_plan_decides_the_length(home):
    assert forecast.of(config(), shapes.CLASSES, 12_000, 2_000, total_steps=77).total_steps == 77


def test_what_was_foretold_is_read_again_and_damage_is_nothing(home):
    run = written_run("wise-wolf")
    assert forecast.read(run) is None
    made = foretold(run)
    assert forecast.read(run) == made
    run.expected_path.write_text('{"total_steps": 5, "curve": [[0.1, 7, 0, 0]]}')
    assert forecast.read(run) is None


def test_only_a_finished_run_of_the_foretold_length_is_graded(home):
    run = written_run("wise-wolf")
    assert forecast.to_grade(run, state_of(run)) is None
    foretold(run)
    assert forecast.to_grade(run, state_of(run)).low == 0.6
    foretold(run, total_steps=2000)
    assert forecast.to_grade(run, state_of(run)) is None
    foretold(run)
    files.append_line(run.changes_path, {"step": 500, "settings": {"train.lr": 0.1}})
    assert forecast.to_grade(run, state_of(run)) is None
    stopped = written_run("shy-seal", phase="stopped")
    foretold(stopped)
    assert forecast.to_grade(stopped, state_of(stopped)) is None
