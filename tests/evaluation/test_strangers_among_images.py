"""Telling images of something else from those a model knows."""

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score

from vit.data import shapes
from vit.evaluation import others, unusual
from vit.evaluation.unusual import Detector, Gaussian, Seen

SIDE = 16


def seen(images: np.ndarray) -> Seen:
    """Features that are a few pixels: what a model makes of images doesn't matter here."""
    return Seen(images[:, :, ::5, ::5].reshape(len(images), -1).astype(np.float32) / 255, unusual.figures(images))


@pytest.fixture(scope="module")
def detector() -> Detector:
    images, labels, _ = shapes.render(np.arange(1200), SIDE, split="train")
    return Detector.fit(seen(images[:800]), labels[:800], seen(images[800:]))


def test_five_in_a_hundred_images_of_the_same_kind_are_false_alarms(detector):
    images = shapes.render(np.arange(1200, 2200), SIDE, split="train")[0]
    # 400 validation images place the threshold with a standard error of 1.1 %, and 1,000 images judge it with 0.7 %.
    assert detector.is_unusual(seen(images)).mean() == pytest.approx(0.05, abs=0.035)


@pytest.mark.parametrize("kind", ["noise", "text", "textures"])
def test_images_of_something_else_have_higher_scores(detector, kind):
    usual = detector.score(seen(shapes.render(np.arange(300), SIDE, split="test")[0]))
    other = detector.score(seen(others.draw(kind, 60, SIDE)))
    assert roc_auc_score(np.repeat([0, 1], [300, 60]), np.concatenate([usual, other])) > 0.8


def test_one_image_has_the_same_score_alone_and_among_others(detector):
    images = shapes.render(np.arange(5), SIDE, split="test")[0]
    alone = [detector.score(seen(image[None]))[0] for image in images]
    assert alone == pytest.approx(detector.score(seen(images)).tolist())


def test_the_distance_is_mahalanobis_to_the_nearest_class():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 500)
    train = rng.normal(size=(500, 4)) @ rng.normal(size=(4, 4)) + 10 * labels[:, None]
    val = train[:50] + 0.1
    found = Gaussian.fit(train, labels, val)
    offsets = train - np.stack([train[labels == k].mean(0) for k in range(3)])[labels]
    scale = offsets.std(0) + unusual.SMALLEST
    judge = LedoitWolf(assume_centered=True).fit(offsets / scale)
    squares = [judge.mahalanobis((val - train[labels == k].mean(0)) / scale) for k in range(3)]
    logs = np.log(np.min(squares, axis=0))
    assert found.score(val) == pytest.approx((logs - logs.mean()) / logs.std(), abs=1e-6)


@pytest.mark.parametrize("kind", list(others.KINDS))
def test_other_images_are_the_same_every_time_and_differ_from_each_other(kind):
    first, again = others.draw(kind, 6, SIDE), others.draw(kind, 6, SIDE)
    assert first.shape == (6, 3, SIDE, SIDE)
    assert first.dtype == np.uint8
    assert (first == again).all()
    assert len({image.tobytes() for image in first}) == 6


def test_gray_images_and_larger_ones_have_figures_too():
    gray = np.random.default_rng(0).integers(0, 256, (3, 1, 48, 48), dtype=np.uint8)
    found = unusual.figures(gray)
    assert found.shape == unusual.figures(np.zeros((1, 3, 8, 8), np.uint8)).repeat(3, 0).shape
    assert np.isfinite(found).all()
