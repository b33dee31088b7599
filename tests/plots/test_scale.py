"""A colour means a number, and the number has a unit."""

import numpy as np
import pytest

from vit.plots.colors import COLOR_MAPS, DIVERGING, colorize, table
from vit.plots.scale import Scale, absolute, from_zero, is_flat, per_map, shared, symmetric, times_uniform

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


# How the three kinds of cones answer to linear sRGB, and how eyes without one of them see it (Viénot et al. 1999).
CONES = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
WITHOUT = {
    "none": np.eye(3),
    "red": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
    "green": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
}


def seen_without(cones: str, colors: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of sRGB bytes (n, 3), as eyes without one kind of cones see them."""
    shares = colors / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ (np.linalg.inv(CONES) @ WITHOUT[cones] @ CONES).T, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(linear @ to_xyz.T / to_xyz.sum(1) + 1e-9).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def test_the_middle_of_two_directions_is_light_and_their_ends_are_equally_dark():
    light = lightness(table(DIVERGING).astype(float))
    below, above = np.diff(light[:128]), np.diff(light[128:])
    assert below.min() > -0.1
    assert above.max() < 0.1
    assert light[127] > 95
    assert abs(light - light[::-1]).max() < 12


@pytest.mark.parametrize("cones", WITHOUT)
def test_no_eye_takes_for_for_against(cones):
    colors = seen_without(cones, table(DIVERGING).astype(float))
    apart = np.linalg.norm(colors - colors[::-1], axis=1)
    assert apart[:102].min() > 20  # from a fifth of the way on; 2.3 is just noticeable
    assert apart[:64].min() > 30


def test_zero_has_the_middle_colour_and_both_ends_are_as_far():
    scale = symmetric([[-0.2, 0.1], [0.05, 0.0]], " logits")
    assert scale.shares([-0.2, 0, 0.2]).tolist() == [0, 0.5, 1]
    assert scale.text(scale.high) == "0.2 logits"
    assert np.ptp(colorize(np.array(0.5), DIVERGING).astype(int)) < 5  # grey, nearly white


def test_a_scale_from_zero_ends_at_the_highest_value():
    assert from_zero(PEAKED).shares([0, 0.25, 0.5]).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("scale", [from_zero, symmetric])
def test_a_map_of_zeros_stays_one_colour(scale):
    shares = scale(np.zeros((2, 2))).shares(np.zeros((2, 2)))
    assert np.ptp(shares) == 0
