"""Suspects among the labels: compared with cleanlab, and with labels that were made wrong."""

import numpy as np
import pytest
from cleanlab.filter import find_label_issues

from vit.evaluation import suspects
from vit.evaluation.predictions import Predictions

IMAGES, CLASSES = 600, 4


def predictions(labels: np.ndarray, features: np.ndarray) -> Predictions:
    logits = np.zeros((len(labels), CLASSES), np.float32)
    return Predictions(logits, features.astype(np.float32), labels, np.arange(len(labels)))


@pytest.fixture
def world() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features in overlapping groups, labels of which 30 were made wrong, and which ones."""
    rng = np.random.default_rng(0)
    right = rng.integers(0, CLASSES, IMAGES)
    features = rng.normal(size=(IMAGES, 8)) + 2.0 * np.eye(8)[right]
    wrong = rng.permutation(IMAGES)[:30]
    labels = right.copy()
    labels[wrong] = (right[wrong] + rng.integers(1, CLASSES, 30)) % CLASSES
    return features, labels, wrong


def test_issues_are_those_of_cleanlab(world):
    features, labels, _ = world
    probability = suspects.out_of_sample(features, labels, CLASSES)
    expected = find_label_issues(labels, probability, filter_by="confident_learning", n_jobs=1)
    found = suspects.issues(probability, labels)
    assert found.any()
    assert (found == expected).all()


def test_planted_wrong_labels_come_first(world):
    features, labels, wrong = world
    found = suspects.find(predictions(labels, features))
    assert np.isin(found.rows[:30], wrong).mean() >= 0.6
    assert found.quality[0] < 0.2


def test_the_probability_of_an_image_does_not_know_its_own_label():
    """Features that say nothing, in more dimensions than there are images: fitting them would get every label right."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, 200)
    probability = suspects.out_of_sample(rng.normal(size=(200, 300)), labels, CLASSES)
    assert (probability.argmax(1) == labels).mean() == pytest.approx(1 / CLASSES, abs=0.1)  # three standard errors


def test_a_class_with_hardly_an_image_is_left_alone():
    features = np.random.default_rng(0).normal(size=(43, 3))
    labels = np.array([0] * 20 + [1] * 20 + [2] * 3)
    found = suspects.find(predictions(labels, features))
    assert not set(found.rows[: found.num_issues]) & {40, 41, 42}
    assert suspects.find(predictions(np.zeros(5, int), features[:5])).num_issues == 0
