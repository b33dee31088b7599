import time

import numpy as np
import pytest
import torch

from vit.data import shapes
from vit.data.load import load


@pytest.fixture(scope="module")
def generated():
    return shapes.render(np.arange(3000), 32)


def test_classes_are_balanced_in_every_ten():
    labels = shapes.label_of(np.arange(200))
    assert all(sorted(block) == list(range(10)) for block in labels.reshape(20, 10).tolist())


def test_a_image_depends_only_on_seed_split_and_index(generated):
    images, labels, masks = shapes.render(np.array([777, 5]), 32)
    assert np.array_equal(images, generated[0][[777, 5]])
    assert np.array_equal(labels, generated[1][[777, 5]])
    assert np.array_equal(masks, generated[2][[777, 5]])
    assert not np.array_equal(shapes.render(np.arange(5), 32, split="test")[0], images[:5])
    assert not np.array_equal(shapes.render(np.arange(2), 32, seed=1)[0], shapes.render(np.arange(2), 32)[0])


def test_the_object_is_inside_the_image_and_stands_out(generated):
    images, _, masks = generated
    assert masks.mean((1, 2)).min() > 0.06
    assert masks.mean((1, 2)).max() < 0.5
    gray = images.mean(1)
    inside = np.array([image[mask].mean() for image, mask in zip(gray, masks, strict=True)])
    outside = np.array([image[~mask].mean() for image, mask in zip(gray, masks, strict=True)])
    assert (abs(inside - outside) > 25).mean() > 0.97


def test_color_and_brightness_say_nothing_about_the_class(generated):
    images, labels, _ = generated
    means = np.array([images[labels == label].mean((0, 2, 3)) for label in range(10)])
    assert means.std(0).max() < 5, "of 255"


def test_any_size_shows_the_same_scene(generated):
    large = shapes.render(np.arange(20), 96)[2].reshape(20, 32, 3, 32, 3).mean((2, 4)) > 0.5
    assert (large == generated[2][:20]).mean() > 0.97


def test_a_linear_classifier_does_not_solve_it(generated):
    images, labels, _ = generated
    pixels = torch.from_numpy(images).flatten(1).float() / 255 - 0.5
    targets = torch.eye(10)[torch.from_numpy(labels)]
    train, test = pixels[:2400], pixels[2400:]
    gram = train.T @ train + 300 * torch.eye(train.shape[1])
    weights = torch.linalg.solve(gram, train.T @ targets[:2400])
    accuracy = ((test @ weights).argmax(1) == targets[2400:].argmax(1)).float().mean()
    assert accuracy < 0.4


def test_twelve_thousand_images_take_seconds():
    start = time.process_time()
    shapes.render(np.arange(1200), 32)
    assert time.process_time() - start < 1.5


def test_the_drawing_is_pinned():
    """Runs refer to these images by number; a change needs a new ``shapes.VERSION``."""
    images, labels, masks = shapes.render(np.arange(10), 32)
    assert labels.tolist() == [2, 5, 8, 1, 4, 7, 0, 3, 6, 9]
    assert masks.sum((1, 2)).tolist() == [108, 151, 154, 361, 289, 161, 106, 145, 189, 203]
    assert abs(images.mean() - 130.085) < 0.05


def test_loading_gives_both_splits_at_the_asked_size(monkeypatch):
    monkeypatch.setattr(shapes, "COUNTS", {"train": 50, "test": 20})
    calls = []
    dataset = load("shapes", 24, lambda *report: calls.append(report))
    assert dataset.train.images.shape == (50, 3, 24, 24)
    assert dataset.test.images.shape == (20, 3, 24, 24)
    assert dataset.train.images.dtype == torch.uint8
    assert dataset.train.labels.dtype == torch.int64
    assert dataset.classes == tuple(sorted(dataset.classes))
    assert calls[-1][:2] == (20, 20)
