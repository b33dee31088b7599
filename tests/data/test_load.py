"""A loaded data set has the images of its source, at the size that was asked for."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from vit.data import shapes
from vit.data.load import load


@pytest.fixture
def source(folder, image):
    names = [(split, name, i) for split in ("train", "test") for name in ("cat", "dog") for i in range(3)]
    return folder({f"{split}/{name}/{i}.png": image(place) for place, (split, name, i) in enumerate(names)})


def pixels(seed: int) -> np.ndarray:
    """What the fixture ``image`` draws: (3, 8, 8)."""
    return np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8).transpose(2, 0, 1)


def test_a_folder_gives_the_pixels_labels_and_splits_of_its_files(source):
    data = load(str(source), 8)
    assert data.classes == ("cat", "dog")
    for split, first in ((data.train, 0), (data.test, 6)):
        assert split.labels.tolist() == [0, 0, 0, 1, 1, 1]
        assert (split.images.dtype, split.labels.dtype) == (torch.uint8, torch.int64)
        assert np.array_equal(split.images.numpy(), np.stack([pixels(first + place) for place in range(6)]))
    assert data.name
    assert len(data.fingerprint) == 64


def test_images_of_another_size_are_scaled_without_aliasing_and_it_is_told(source, monkeypatch):
    monkeypatch.setattr("vit.data.load.RESIZE_BATCH", 4)
    told = []
    data = load(str(source), 4, lambda *news: told.append(news))
    whole = load(str(source), 8)
    expected = F.interpolate(whole.train.images, (4, 4), mode="bilinear", antialias=True)
    assert data.fingerprint == whole.fingerprint
    assert torch.equal(data.train.images, expected)
    assert torch.equal(data.train.labels, whole.train.labels)
    scaling = [(done, total) for done, total, message in told if message == "scaling images to 4 pixels"]
    assert scaling == [(4, 6), (6, 6)] * 2


def test_shapes_are_drawn_for_both_splits(monkeypatch):
    monkeypatch.setattr(shapes, "COUNTS", {"train": 9, "test": 5})
    data, told = load("shapes", 16), []
    assert torch.equal(load("shapes", 16, lambda *news: told.append(news)).test.images, data.test.images)
    assert told
    for split, found in (("train", data.train), ("test", data.test)):
        images, labels, _ = shapes.render(np.arange(len(found.labels)), 16, split=split)
        assert np.array_equal(found.images.numpy(), images)
        assert np.array_equal(found.labels.numpy(), labels)
    assert (len(data.train.labels), len(data.test.labels)) == (9, 5)
    assert (data.name, data.classes) == ("shapes", shapes.CLASSES)
