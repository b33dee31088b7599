import pytest
import torch

from vit.config import AugmentConfig
from vit.data.augment import mix

LABELS = torch.tensor([0, 1, 2, 3, 4, 0])


@pytest.fixture
def images():
    return torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def run(images, step=0, **settings):
    return mix(images, LABELS, 5, AugmentConfig(**settings), seed=0, step=step)


def test_switched_off_it_only_gives_one_hot_targets(images):
    mixed, targets = run(images)
    assert torch.equal(mixed, images)
    assert torch.equal(targets, torch.eye(5)[LABELS])


@pytest.mark.parametrize("step", range(20))
def test_targets_sum_to_one_and_weigh_only_the_two_images(images, step):
    _, targets = run(images, step, mixup_alpha=0.8, cutmix_alpha=1.0)
    torch.testing.assert_close(targets.sum(1), torch.ones(6))
    assert ((targets > 0).sum(1) <= 2).all()


def test_mixup_blends_pixels_with_the_weight_of_the_labels(images):
    mixed, targets = run(images, mixup_alpha=1.0)
    weight = targets[1, 1]
    assert 0 < weight < 1
    torch.testing.assert_close(mixed[1], weight * images[1] + (1 - weight) * images[0])


@pytest.mark.parametrize("step", range(20))
def test_cutmix_weighs_labels_by_pixels(images, step):
    mixed, targets = run(images, step, cutmix_alpha=1.0)
    own = (mixed[1] == images[1]).all(0)
    torch.testing.assert_close(own.float().mean(), targets[1, 1])
    assert torch.equal(mixed[1][:, ~own], images[0][:, ~own])


def test_both_ways_take_turns_and_depend_only_on_seed_and_step(images):
    both = {"mixup_alpha": 0.8, "cutmix_alpha": 1.0}
    kept = [bool((run(images, step, **both)[0][1] == images[1]).all(0).any()) for step in range(200)]
    assert 60 < sum(kept) < 140  # CutMix nearly always keeps some pixels as they were, mixup never does
    assert torch.equal(run(images, 3, **both)[0], run(images, 3, **both)[0])
    assert not torch.equal(run(images, 3, **both)[0], run(images, 4, **both)[0])


@pytest.mark.parametrize("alpha", [0.2, 1.0, 6.0])
def test_weights_are_drawn_from_a_symmetric_beta_distribution(alpha):
    """Its variance is 1 / (4 (2 alpha + 1))."""
    images, labels, settings = torch.zeros(2, 1, 1, 1), torch.tensor([0, 1]), AugmentConfig(mixup_alpha=alpha)
    weights = torch.stack([mix(images, labels, 2, settings, seed=1, step=step)[1][0, 0] for step in range(1500)])
    assert weights.mean().item() == pytest.approx(0.5, abs=0.05)
    assert weights.var().item() == pytest.approx(1 / (8 * alpha + 4), rel=0.15)  # about four standard errors


def test_patches_of_cutmix_are_cut_at_every_border_alike_and_have_the_drawn_area():
    """With a weight near one half, a patch that no border cuts has half of the area."""
    images = torch.stack([torch.zeros(1, 32, 32), torch.ones(1, 32, 32)])
    settings, labels = AugmentConfig(cutmix_alpha=10.0), torch.tensor([0, 1])
    pasted = torch.stack([mix(images, labels, 2, settings, seed=0, step=s)[0][0, 0] for s in range(1000)])
    share = pasted.mean(0)
    torch.testing.assert_close(share, share.flip(0), atol=0.08, rtol=0)  # five standard errors of 1,000
    torch.testing.assert_close(share, share.flip(1), atol=0.08, rtol=0)
    areas = pasted.mean((1, 2))
    assert areas.max() > 0.55
    assert 0.25 < areas.mean() < 0.4  # about 0.5 times (1 - 1 / (4 sqrt 2)) twice, for what borders cut away


def test_mixing_is_with_the_neighbor_whatever_the_order(images):
    mixed, targets = run(images, mixup_alpha=1.0)
    weight = targets[1, 1]
    torch.testing.assert_close(mixed, weight * images + (1 - weight) * images.roll(1, 0))
    torch.testing.assert_close(targets, weight * torch.eye(5)[LABELS] + (1 - weight) * torch.eye(5)[LABELS.roll(1)])


def test_patches_reach_every_pixel_of_images_that_are_not_square():
    wide, settings = torch.stack([torch.zeros(1, 8, 40), torch.ones(1, 8, 40)]), AugmentConfig(cutmix_alpha=1.0)
    for images in (wide, wide.mT):
        mixed = [mix(images, torch.tensor([0, 1]), 2, settings, seed=0, step=step) for step in range(100)]
        pasted = torch.stack([found[0, 0] for found, _ in mixed])
        assert pasted.amax(0).min() == 1
        torch.testing.assert_close(pasted.mean((1, 2)), torch.stack([targets[0, 1] for _, targets in mixed]))
