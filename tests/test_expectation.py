"""What a preset is expected to reach follows from what it was measured to reach, and from nothing else."""

import dataclasses
from itertools import pairwise

import pytest

from vit import expectation, presets
from vit.data.cifar10 import CLASSES
from vit.data.store import DatasetInfo
from vit.rules import validate

COUNTS = {"train": 50_000, "test": 10_000}
CIFAR10 = DatasetInfo("images", "imported", CLASSES, COUNTS, image_size=32, fingerprint="")
MEASURED = [preset for preset in presets.PRESETS.values() if preset.reached]


def config(preset: str, **overrides):
    return validate(presets.build(preset, {"data.source": "images", **overrides}))


@pytest.mark.parametrize("preset", MEASURED, ids=lambda preset: preset.name)
def test_measured_lengths_are_told_as_measured_and_others_lie_between(preset):
    expected = [expectation.accuracy(config(preset.name), CIFAR10, epochs) for epochs, _ in preset.reached]
    assert expected == pytest.approx([accuracy for _, accuracy in preset.reached])
    for (shorter, low), (longer, high) in pairwise(preset.reached):
        between = expectation.accuracy(config(preset.name), CIFAR10, (shorter * longer) ** 0.5)
        assert between == pytest.approx((low + high) / 2)


def test_nothing_is_expected_where_nothing_comparable_was_measured():
    preset = MEASURED[0]
    length, accuracy = preset.reached[0]
    assert expectation.accuracy(config(preset.name, **{"train.seed": 7}), CIFAR10, length) == pytest.approx(accuracy)
    assert expectation.accuracy(config(preset.name, **{"train.lr": 0.1}), CIFAR10, length) is None
    assert expectation.accuracy(config(preset.name, **{"model.depth": 2}), CIFAR10, length) is None
    for other in ({"classes": CLASSES[::-1]}, {"counts": {"train": 500}}):
        assert expectation.accuracy(config(preset.name), dataclasses.replace(CIFAR10, **other), length) is None
    assert expectation.accuracy(config(preset.name), CIFAR10, length / 10) is None
    assert expectation.accuracy(config(preset.name), CIFAR10, preset.reached[-1][0] * 10) is None


def test_longer_runs_of_a_preset_were_better():
    for preset in MEASURED:
        assert list(preset.reached) == sorted(preset.reached)
        accuracies = [accuracy for _, accuracy in preset.reached]
        assert accuracies == sorted(accuracies)
