"""What is expected of a run follows from recorded ones: more of the same is never worse, and less is known far away."""

import dataclasses
from itertools import pairwise

import pytest
from worlds import config as one_minute
from worlds import written_run

from vit import expectation, experience, presets
from vit.config import field_names
from vit.data import shapes
from vit.data.cifar10 import CLASSES
from vit.data.store import DatasetInfo
from vit.rules import validate
from vit.runs.status import read_status, write_status

CIFAR10 = (CLASSES, 50_000)
MEASURED = [preset for preset in presets.PRESETS.values() if preset.reached]


def config(preset: str, **overrides):
    return validate(presets.build(preset, {"data.source": "images", **overrides}))


@pytest.fixture
def seen(home):
    """What the shipped records say."""
    return expectation.on(*CIFAR10)


def test_every_setting_counts_for_the_distance_or_says_nothing_of_what_is_learned():
    weighed = {*experience.PER_FACTOR, *experience.PER_UNIT, *experience.PER_CHOICE, "data.val_size"}
    harmless = {"epochs", "steps", "minutes", "eval_every", "patience", "save_every", "keep_all", "seed"}
    harmless |= {"device", "threads", "processes", "precision", "compile"}
    given = {"model.in_channels", "model.num_classes", "data.source"}
    assert weighed | {f"train.{name}" for name in harmless} | given == set(field_names())


@pytest.mark.parametrize("preset", MEASURED, ids=lambda preset: preset.name)
def test_presets_are_expected_to_reach_what_they_were_measured_to_reach(seen, preset):
    for epochs, test_accuracy in preset.reached:
        expected = seen.of(config(preset.name), epochs)
        assert expected.low < expected.accuracy < expected.high
        assert expected.accuracy == pytest.approx(test_accuracy, abs=0.025)  # of val, whose 2,000 images count to 1 %
        assert expected.high - expected.low < 0.1


@pytest.mark.parametrize("preset", [preset.name for preset in MEASURED])
def test_more_epochs_are_never_expected_to_bring_less(seen, preset):
    told = [seen.of(config(preset), epochs) for epochs in (0.5, 0.7, 1, 2, 3, 5, 8, 12, 24)]
    accuracies = [expected.accuracy for expected in told if expected]
    assert len(accuracies) > 5
    assert all(longer > shorter for shorter, longer in pairwise(accuracies))


def test_less_is_known_of_what_is_less_alike(seen):
    widths = []
    for depth in (4, 5, 8, 16):
        expected = seen.of(config("5-minutes", **{"model.depth": depth, "train.seed": 7}), 3)
        widths.append(expected.high - expected.low)
    assert widths == sorted(widths)
    assert widths[-1] > 2 * widths[0]


def test_the_band_holds_what_a_recipe_reached_that_it_had_never_seen(seen):
    """Each recipe of the shipped records in turn; 80 % is what the band promises."""
    found = seen.left_out()
    held = sum(expected.low <= run.val_accuracy <= expected.high for run, expected in found)
    assert held / len(found) > 0.75
    assert sum(abs(expected.accuracy - run.val_accuracy) for run, expected in found) / len(found) < 0.05


def test_nothing_is_expected_where_nothing_comparable_was_recorded(seen):
    assert seen.of(config("5-minutes"), 1)
    assert seen.of(config("5-minutes"), 0.01) is None
    assert seen.of(config("5-minutes"), 1000) is None
    assert (
        seen.of(config("5-minutes", **{"train.optimizer": "sgd", "train.lr": 10, "model.pos_embed": "none"}), 1) is None
    )
    assert seen.of(config("5-minutes", **{"init.checkpoint": "cifar10-plain"}), 1) is None
    assert expectation.on(CLASSES[::-1], 50_000).of(config("5-minutes"), 1) is None
    assert expectation.on(CLASSES, 49_999).of(config("5-minutes"), 1) is None


def test_a_curve_begins_near_guessing_and_ends_where_it_is_expected(seen):
    expected, curve = seen.of(config("5-minutes"), 3), seen.curve(config("5-minutes"), 3)
    assert [share for share, *_ in curve] == sorted(share for share, *_ in curve)
    share, *end = curve[-1]
    assert share == 1
    assert end == pytest.approx([expected.accuracy, expected.low, expected.high])
    assert all(0.1 <= low <= middle <= high <= 1 for _, middle, low, high in curve)
    assert curve[0][1] < expected.accuracy - 0.15


def test_runs_of_this_home_count_from_when_they_are_finished(home):
    run = written_run("wise-wolf")
    written_run("shy-seal", phase="stopped", step=500)
    (here,) = experience.here()
    assert (here.run, here.images, here.epochs, here.val_accuracy) == ("wise-wolf", 12_000, 4, 0.7)
    assert here.config.model == one_minute().model
    assert here.config.train.lr == one_minute().train.lr
    assert experience.points(here)[-1] == (1, pytest.approx(0.7))
    write_status(run, read_status(run).model_copy(update={"best_val_accuracy": 0.9}))
    assert [seen.val_accuracy for seen in experience.here()] == [0.9]


@pytest.mark.parametrize("file", ["fork_path", "changes_path"])
def test_a_run_that_was_not_trained_as_its_configuration_says_does_not_count(home, file):
    getattr(written_run("wise-wolf"), file).write_text("{}\n")
    assert experience.here() == []


@pytest.mark.parametrize("best", [None, 1.5, -1])
@pytest.mark.parametrize("file", ["config_path", "plan_path"])
def test_a_damaged_run_does_not_count(home, file, best):
    run = written_run("wise-wolf", best_val_accuracy=best)
    getattr(run, file).write_text("{")
    written_run("wild-wolf", best_val_accuracy=7.0)
    assert experience.here() == []


def test_a_run_that_ended_early_does_not_count(home):
    written_run("wise-wolf", step=900)
    assert experience.here() == []


def test_own_runs_change_what_is_expected(home, monkeypatch):
    monkeypatch.setattr(experience, "shipped", list)
    assert expectation.on(shapes.CLASSES, 12_000).of(one_minute(), 4) is None
    written_run("wise-wolf")
    expected = expectation.on(shapes.CLASSES, 12_000).of(one_minute(), 4)
    assert expected.accuracy == pytest.approx(0.7, abs=0.02)
    assert expected.count == 1


def test_cifar10_is_known_by_its_content():
    info = DatasetInfo("images", "imported", CLASSES, {"train": 50_000}, image_size=32, fingerprint="")
    assert expectation.is_cifar10(info)
    assert not expectation.is_cifar10(dataclasses.replace(info, classes=CLASSES[::-1]))
    assert not expectation.is_cifar10(dataclasses.replace(info, counts={"train": 500}))


def test_longer_runs_of_a_preset_were_better():
    for preset in MEASURED:
        assert list(preset.reached) == sorted(preset.reached)
        accuracies = [accuracy for _, accuracy in preset.reached]
        assert accuracies == sorted(accuracies)
