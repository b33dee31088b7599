"""What a run trains on: the right images, normalized by the right statistics, in another order in every epoch."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.conftest import CPU, tiny_config
from vit.data.load import Dataset, Split
from vit.training import batches
from vit.training.batches import prepare, to_channels

COUNT = 60
PLAIN = {"augment__flip": "none", "augment__crop_padding": 0, "train__batch_size": 8, "data__val_size": 12}


@pytest.fixture(scope="module")
def noise() -> Dataset:
    """Images of which no two are alike, brighter from one to the next."""
    generator = torch.Generator().manual_seed(0)
    brightness = torch.linspace(10, 150, COUNT).view(-1, 1, 1, 1)
    images = (torch.rand(COUNT, 3, 8, 8, generator=generator) * 100 + brightness).byte()
    split = Split(images, torch.arange(COUNT) % 3)
    return Dataset("noise", ("a", "b", "c"), split, Split(images.flip(3), split.labels), "fingerprint")


def places(images: torch.Tensor, noise: Dataset) -> list[int]:
    """Where in the data set these uint8 images are from."""
    known = {image.numpy().tobytes(): place for place, image in enumerate(noise.train.images)}
    return [known[image.numpy().tobytes()] for image in images]


def visited(data, step: int, config, noise: Dataset) -> list[int]:
    """Which images the batch of a step has, by their pixels."""
    mean, std = data.mean.view(3, 1, 1), data.std.view(3, 1, 1)
    images, targets, labels = data.batch(step, config)
    found = places(((images * std + mean) * 255).round().byte(), noise)
    assert labels.tolist() == targets.tolist() == noise.train.labels[found].tolist()
    return found


def test_train_and_val_share_no_image_and_are_the_whole_training_split_together(noise):
    data = prepare(noise, tiny_config(**PLAIN), CPU)
    train, val = places(data.train.images, noise), places(data.val.images, noise)
    assert (len(train), len(val)) == (COUNT - 12, 12)
    assert set(train).isdisjoint(val)
    assert sorted(train + val) == list(range(COUNT))
    assert data.train.labels.tolist() == noise.train.labels[train].tolist()
    assert data.val.labels.tolist() == noise.train.labels[val].tolist()
    assert torch.equal(data.test.images, noise.test.images)
    assert torch.equal(data.test.labels, noise.test.labels)


def test_a_data_set_without_test_images_has_none(noise):
    assert prepare(dataclasses.replace(noise, test=None), tiny_config(**PLAIN), CPU).test is None


@pytest.mark.parametrize("chunk", [7, 4096])  # 48 images in seven parts, or in one
def test_mean_and_std_are_numpys_over_the_training_images_alone(noise, monkeypatch, chunk):
    monkeypatch.setattr(batches, "STATISTICS_CHUNK", chunk)
    data = prepare(noise, tiny_config(**PLAIN), CPU)
    own, everything = (images.numpy() / 255 for images in (data.train.images, noise.train.images))
    assert data.mean.dtype is data.std.dtype is torch.float32
    np.testing.assert_allclose(data.mean, own.mean((0, 2, 3)), rtol=1e-6)  # the last bits of a float32
    np.testing.assert_allclose(data.std, own.std((0, 2, 3)), rtol=1e-6)
    assert (np.abs(everything.mean((0, 2, 3)) - own.mean((0, 2, 3))) > 1e-4).all()
    assert (np.abs(everything.std((0, 2, 3)) - own.std((0, 2, 3))) > 1e-4).all()


def test_images_of_a_single_color_can_be_normalized(noise):
    flat = Split(torch.full_like(noise.train.images, 128), noise.train.labels)
    config = tiny_config(**PLAIN)
    data = prepare(dataclasses.replace(noise, train=flat, test=None), config, CPU)
    assert data.std.tolist() == pytest.approx([1e-3] * 3)  # a quarter of a level, so that rounding stays small
    assert data.batch(0, config)[0].abs().max() < 0.01


@pytest.mark.parametrize("chunk", [7, 4096])
def test_gray_models_see_the_brightness_that_pillow_computes(noise, monkeypatch, chunk):
    monkeypatch.setattr(batches, "STATISTICS_CHUNK", chunk)
    images = noise.train.images
    gray = to_channels(images, 1)
    pillow = [np.array(Image.fromarray(image.permute(1, 2, 0).numpy()).convert("L")) for image in images]
    assert gray.shape == (COUNT, 1, 8, 8)
    assert np.abs(gray[:, 0].numpy().astype(int) - np.stack(pillow)).max() <= 1  # Pillow rounds its weights
    assert to_channels(images, 3) is images
    data = prepare(noise, tiny_config(model__in_channels=1, **PLAIN), CPU)
    assert (data.train.images.shape[1], data.val.images.shape[1], data.test.images.shape[1]) == (1, 1, 1)


def test_every_epoch_visits_every_training_image_once_and_in_an_order_of_its_own(noise):
    config = tiny_config(**PLAIN)
    data = prepare(noise, config, CPU)
    assert data.steps_per_epoch(8) == 6
    epochs = [
        [place for step in range(6 * e, 6 * e + 6) for place in visited(data, step, config, noise)] for e in (0, 1, 2)
    ]
    for order in epochs:
        assert sorted(order) == places(data.train.images, noise)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_the_batch_of_a_step_depends_on_seed_and_step_alone(noise):
    config, other = tiny_config(**PLAIN), tiny_config(train__seed=1, **PLAIN)
    data = prepare(noise, config, CPU)
    order = [visited(data, step, config, noise) for step in range(9)]
    assert [visited(data, step, config, noise) for step in reversed(range(9))] == order[::-1]
    assert [visited(data, step, other, noise) for step in range(9)] != order


def test_an_epoch_of_unequal_batches_repeats_no_image(noise):
    config = tiny_config(**{**PLAIN, "train__batch_size": 20})
    data = prepare(noise, config, CPU)
    assert data.steps_per_epoch(20) == 2  # of 48 images, eight are left over
    found = visited(data, 2, config, noise) + visited(data, 3, config, noise)
    assert len(set(found)) == 40
    assert data.steps_per_epoch(100) == 1


def test_alternating_flips_show_both_sides_within_two_epochs(noise):
    config = tiny_config(**{**PLAIN, "augment__flip": "alternating"})
    data = prepare(noise, config, CPU)
    mean, std = data.mean.view(3, 1, 1), data.std.view(3, 1, 1)
    shown = [torch.cat([data.batch(step, config)[0] for step in range(6 * epoch, 6 * epoch + 6)]) for epoch in (0, 1)]
    first, second = ({i.numpy().tobytes() for i in ((part * std + mean) * 255).round().byte()} for part in shown)
    assert first.isdisjoint(second)
    both = {side.numpy().tobytes() for image in data.train.images for side in (image, image.flip(2))}
    assert first | second == both


@pytest.mark.parametrize("way", ["mixup_alpha", "cutmix_alpha"])
def test_mixed_batches_have_soft_targets_and_the_labels_they_are_of(noise, way):
    plain, mixed = tiny_config(**PLAIN), tiny_config(**PLAIN, **{f"augment__{way}": 1.0})
    data = prepare(noise, plain, CPU)
    images, _, labels = data.batch(3, plain)
    mixed_images, targets, same_labels = data.batch(3, mixed)
    assert torch.equal(labels, same_labels)
    assert not torch.equal(images, mixed_images)
    assert targets.shape == (8, 3)
    torch.testing.assert_close(targets.sum(1), torch.ones(8))
    own = torch.nn.functional.one_hot(labels, 3).float()
    weight = ((targets - own.roll(1, 0)) * (own - own.roll(1, 0))).sum() / (own - own.roll(1, 0)).square().sum()
    torch.testing.assert_close(targets, torch.lerp(own.roll(1, 0), own, weight))
