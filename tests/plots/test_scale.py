"""A colour means a number, and the number has a unit."""

import numpy as np
import pytest

from vit.plots.colors import COLOR_MAPS, colorize, table
from vit.plots.scale import Scale, absolute, is_flat, per_map, shared, times_uniform

PEAKED = np.array([[0.02, 0.08], [0.5, 0.1]])


def lightness(colors: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB bytes."""
    linear = np.where(colors <= 0.04045 * 255, colors / 255 / 12.92, ((colors / 255 + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


@pytest.mark.parametrize("colors", COLOR_MAPS)
def test_higher_values_are_always_lighter(colors):
    steps = np.diff(lightness(table(colors).astype(float)))
    assert steps.min() > -0.1  # rounding to bytes may cost a hair
    assert steps.max() < 1.5


@pytest.mark.parametrize("colors", COLOR_MAPS)
def test_a_colour_map_has_256_colours_from_dark_to_light(colors):
    assert table(colors).shape == (256, 3)
    assert lightness(table(colors)[0].astype(float)) < 15 < 85 < lightness(table(colors)[-1].astype(float))


def test_colours_keep_the_shape_of_their_values():
    assert colorize(np.zeros((2, 3, 4)), "viridis").shape == (2, 3, 4, 3)
    assert colorize(np.array([0.0, 1.0]), "viridis").tolist() == [[0x44, 0x01, 0x54], [0xFD, 0xE7, 0x25]]


def test_the_absolute_scale_gives_a_value_the_same_colour_in_every_map():
    scale = absolute(0.2)
    assert scale.shares([0.0, 0.1, 0.2, 0.9]).tolist() == pytest.approx([0, 0.5, 1, 1])
    assert scale.clips
    assert scale.text(0.1) == "10 %"


def test_times_uniform_starts_at_nothing_and_ends_at_a_round_number_above_the_highest():
    scale = times_uniform(PEAKED, num_tokens=5)  # the highest is 2.5 times uniform
    assert (scale.low, scale.high) == (0, pytest.approx(3 / 5))
    assert scale.text(0.5) == "2.5x uniform"


@pytest.mark.parametrize(
    ("highest", "end"), [(0.5, 2), (2, 2), (2.1, 3), (4, 5), (6, 10), (10, 10), (11, 20), (45, 50)]
)
def test_ends_of_times_uniform_are_1_2_3_5(highest, end):
    assert times_uniform([highest / 65], 65).high * 65 == pytest.approx(end)


def test_uniform_attention_has_the_middle_colour_of_times_uniform():
    assert times_uniform(np.full((4, 4), 1 / 16), 16).shares(1 / 16) == pytest.approx(0.5)


def test_a_scale_per_map_uses_all_colours():
    shares = per_map(PEAKED).shares(PEAKED)
    assert (shares.min(), shares.max()) == (0, 1)


@pytest.mark.parametrize("level", [0.0, 1 / 64, 1.0])
def test_a_flat_map_is_never_stretched_into_a_pattern(level):
    noise = np.random.default_rng(0).random((8, 8))
    flat = level * (1 + 0.001 * noise)
    assert is_flat(flat)
    shares = per_map(flat).shares(flat)
    assert np.ptp(shares) < 0.001
    assert not is_flat(level + noise)


def test_values_outside_the_scale_get_its_end_colours():
    assert Scale(1.0, 2.0).shares([-5, 7]).tolist() == [0, 1]


def test_a_shared_scale_holds_nearly_all_values_and_says_that_there_is_more():
    values = np.concatenate([np.full(999, 0.02), [0.9]])
    meaning = shared(values, num_tokens=100)
    assert meaning.text(meaning.high) == "2x uniform"
    assert meaning.clips
    assert not shared(values[:-1], num_tokens=100).clips
