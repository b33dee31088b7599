import numpy as np
import pytest
import torch

from vit.config import AugmentConfig
from vit.data import draws
from vit.data.augment import augment, normalize
from vit.data.load import SPLIT_STREAM

MEAN, STD = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.3])
OFF = {"flip": "none", "crop_padding": 0}
EVERYTHING = AugmentConfig(flip="random", crop_padding=3, color_jitter=0.4, rand_augment=9, random_erasing=0.5)


@pytest.fixture
def images():
    return torch.randint(0, 256, (64, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def vary(images, settings, *, seed=0, step=0, epoch=0, indices=None):
    indices = torch.arange(len(images)) if indices is None else indices
    return augment(images, settings, MEAN, STD, seed=seed, step=step, epoch=epoch, indices=indices)


def back(varied):
    """Undo normalization: uint8 again."""
    return ((varied * STD.view(3, 1, 1) + MEAN.view(3, 1, 1)) * 255).round().to(torch.uint8)


def test_without_variation_it_only_normalizes(images):
    expected = (images.double() / 255 - MEAN.view(3, 1, 1)) / STD.view(3, 1, 1)
    torch.testing.assert_close(vary(images, AugmentConfig(**OFF)).double(), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(normalize(images, MEAN, STD).double(), expected, atol=1e-5, rtol=0)


def test_the_input_is_left_alone(images):
    before = images.clone()
    vary(images, EVERYTHING)
    assert torch.equal(images, before)


def test_the_same_step_gives_the_same_bits_and_another_does_not(images):
    assert torch.equal(vary(images, EVERYTHING, seed=1, step=5), vary(images, EVERYTHING, seed=1, step=5))
    assert not torch.equal(vary(images, EVERYTHING, seed=1, step=5), vary(images, EVERYTHING, seed=1, step=6))
    assert not torch.equal(vary(images, EVERYTHING, seed=1, step=5), vary(images, EVERYTHING, seed=2, step=5))


def test_a_image_is_varied_the_same_in_any_company(images):
    together = vary(images, EVERYTHING, step=9)
    some = torch.tensor([40, 3, 17])
    torch.testing.assert_close(vary(images[some], EVERYTHING, step=9, indices=some), together[some])


def test_random_flips_mirror_half_of_the_images(images):
    many = images[:1].expand(4000, -1, -1, -1)
    varied = back(vary(many, AugmentConfig(flip="random", crop_padding=0)))
    mirrored = (varied == images[0].flip(2)).flatten(1).all(1)
    assert ((varied == images[0]).flatten(1).all(1) | mirrored).all()
    assert 0.47 < mirrored.float().mean() < 0.53


def test_alternating_flips_show_both_sides_in_two_epochs(images):
    settings = AugmentConfig(flip="alternating", crop_padding=0)
    first, second, third = (back(vary(images, settings, step=e, epoch=e)) for e in range(3))
    mirrored = (first != images).flatten(1).any(1)
    assert 16 < mirrored.sum() < 48
    assert torch.equal(second, first.flip(3))
    assert torch.equal(third, first)


def test_shifts_reach_every_offset_equally_and_reflect_at_the_border():
    ramp = (torch.arange(16, dtype=torch.uint8) * 10).view(1, 1, 1, 16).expand(5000, 3, 16, 16)
    varied = back(vary(ramp, AugmentConfig(flip="none", crop_padding=2)))
    shifts = varied[:, 0, 8, 8].int() // 10 - 8
    values, counts = shifts.unique(return_counts=True)
    assert values.tolist() == [-2, -1, 0, 1, 2]
    assert counts.min() > 850
    left = varied[shifts == -2][0, 0, 0]
    assert left[:4].tolist() == [20, 10, 0, 10]


def test_rows_and_columns_move_independently():
    cells = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(3000, 3, 16, 16)
    middle = back(vary(cells, AugmentConfig(flip="none", crop_padding=1)))[:, 0, 8, 8]
    assert len(middle.unique()) == 9


def test_a_padding_larger_than_the_image_still_gives_its_pixels(images):
    varied = back(vary(images[..., :2, :2], AugmentConfig(flip="none", crop_padding=9)))
    for before, after in zip(images[..., :2, :2], varied, strict=True):
        assert set(after.flatten().tolist()) <= set(before.flatten().tolist())


def test_erasing_blanks_rectangles_of_the_right_share_to_the_mean():
    white = torch.full((3000, 3, 32, 32), 255, dtype=torch.uint8)
    blank = (vary(white, AugmentConfig(**OFF, random_erasing=0.4)) == 0).all(1)
    share = blank.flatten(1).float().mean(1)
    assert 0.36 < (share > 0).float().mean() < 0.44
    assert share.max() < 0.36
    one = blank[share > 0][0]
    assert one.sum() == one.any(0).sum() * one.any(1).sum(), "not a rectangle"


def test_color_jitter_stays_in_range_and_grows_with_its_strength(images):
    def distance(strength):
        varied = vary(images, AugmentConfig(**OFF, color_jitter=strength))
        colors = varied * STD.view(3, 1, 1) + MEAN.view(3, 1, 1)
        assert colors.min() > -1e-5
        assert colors.max() < 1 + 1e-5
        return (colors - images / 255).abs().mean()

    assert 0 < distance(0.1) < distance(0.5)


def test_rand_augment_keeps_the_range_and_grows_with_its_magnitude(images):
    def distance(magnitude):
        varied = vary(images, AugmentConfig(**OFF, rand_augment=magnitude))
        colors = varied * STD.view(3, 1, 1) + MEAN.view(3, 1, 1)
        assert colors.min() > -1e-5
        assert colors.max() < 1 + 1e-5
        return (colors - images / 255).abs().mean()

    assert 0 < distance(1) < distance(10)


def test_gray_images_take_every_variation(images):
    gray = images[:, :1]
    varied = augment(gray, EVERYTHING, MEAN[:1], STD[:1], seed=0, step=0, epoch=0, indices=torch.arange(len(gray)))
    assert varied.shape == gray.shape
    assert varied.isfinite().all()


@pytest.mark.parametrize("setting", [{"color_jitter": 1e-6}, {"rand_augment": 0, "color_jitter": 1e-6}], ids=str)
def test_images_whose_colors_hardly_vary_are_normalized_like_those_that_do_not(images, setting):
    varied = vary(images, AugmentConfig(**OFF, **setting))
    torch.testing.assert_close(varied, vary(images, AugmentConfig(**OFF)), atol=1e-4, rtol=0)


def test_images_of_one_pixel_reflect_into_themselves():
    pixel = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1).expand(8, -1, -1, -1)
    assert torch.equal(back(vary(pixel, AugmentConfig(flip="random", crop_padding=3))), pixel)


@pytest.mark.parametrize(("height", "width"), [(2, 2), (5, 9), (16, 4)])
def test_shifted_images_continue_as_their_mirror_image_beyond_every_border(height, width):
    """As numpy's ``reflect``: the pixel at the border is not repeated."""
    image = torch.arange(height * width, dtype=torch.uint8).view(1, 1, height, width)
    padded = np.pad(image[0, 0].numpy(), 3, mode="reflect")
    windows = {padded[y : y + height, x : x + width].tobytes() for y in range(7) for x in range(7)}
    varied = back(vary(image.expand(2000, 3, height, width), AugmentConfig(flip="none", crop_padding=3)))
    assert {found[0].numpy().tobytes() for found in varied} == windows


def test_erased_rectangles_are_as_likely_on_either_side_and_reach_every_border():
    white = torch.full((3000, 3, 32, 32), 255, dtype=torch.uint8)
    blank = (vary(white, AugmentConfig(**OFF, random_erasing=1.0)) == 0).all(1)
    share = blank.float().mean(0)
    torch.testing.assert_close(share, share.flip(0), atol=0.05, rtol=0)  # four standard errors of 3,000
    torch.testing.assert_close(share, share.flip(1), atol=0.05, rtol=0)
    torch.testing.assert_close(share, share.T, atol=0.05, rtol=0)
    assert share.min() > 0
    assert blank.flatten(1).float().mean(1).min() > 0.01


def test_erased_areas_and_shapes_are_spread_as_the_paper_says():
    """2 to 33 % of the area alike often, and as often upright as lying, up to 3.3 times as long as wide."""
    white = torch.full((2000, 3, 48, 48), 255, dtype=torch.uint8)
    blank = (vary(white, AugmentConfig(**OFF, random_erasing=1.0)) == 0).all(1)
    height, width = blank.any(2).sum(1).double(), blank.any(1).sum(1).double()
    areas, ratios = height * width / 48**2, height / width
    assert areas.mean().item() == pytest.approx(0.175, abs=0.01)
    assert areas.quantile(0.25).item() == pytest.approx(0.02 + 0.31 / 4, abs=0.015)
    inner = ratios.log() / np.log(3.3)
    assert inner.mean().item() == pytest.approx(0, abs=0.05)
    assert inner.abs().mean().item() == pytest.approx(0.5, abs=0.05)
    assert inner.abs().max() < 1.2  # whole pixels


def test_flips_are_pinned_across_versions(images):
    """A run that is resumed by a newer version must flip as before; a stream of its own, not that of the split."""
    settings = AugmentConfig(flip="alternating", crop_padding=0)
    flipped = back(vary(images[:16], settings)) == images[:16].flip(3)
    assert "".join(map(str, flipped.flatten(1).all(1).int().tolist())) == "0011011101111011"
    by_chance = back(vary(images[:16], AugmentConfig(flip="random", crop_padding=0))) == images[:16].flip(3)
    assert "".join(map(str, by_chance.flatten(1).all(1).int().tolist())) == "0111011111100011"
    split = draws.uniform(0, SPLIT_STREAM, np.arange(16))[:, 0] < 0.5
    assert split.tolist() != flipped.flatten(1).all(1).tolist()


@pytest.mark.parametrize("shape", [(16, 64), (64, 16)])
def test_rectangles_are_erased_all_over_images_that_are_not_square(shape):
    blank = (
        vary(torch.full((1000, 3, *shape), 255, dtype=torch.uint8), AugmentConfig(**OFF, random_erasing=1.0)) == 0
    ).all(1)
    assert blank.any(0).float().mean() > 0.99
    shares = blank.flatten(1).float().mean(1)
    assert shares.max() < 0.36
    assert 0.13 < shares.mean() < 0.19  # 0.175 but for those that would be longer than the short side
