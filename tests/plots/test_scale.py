"""A color means a number, and the number has a unit."""

import numpy as np
import pytest

from vit.plots.colors import COLOR_MAPS, SEQUENTIAL, SIGNED, colorize, table, tint
from vit.plots.scale import Scale, attention, from_zero, is_flat, symmetric

PEAKED = np.array([[0.02, 0.08], [0.5, 0.1]])


def lightness(colors: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB bytes."""
    linear = np.where(colors <= 0.04045 * 255, colors / 255 / 12.92, ((colors / 255 + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


def test_higher_values_are_always_lighter():
    steps = np.diff(lightness(table(SEQUENTIAL).astype(float)))
    assert steps.min() > -0.1  # rounding to bytes may cost a hair
    assert steps.max() < 1.5


def test_a_color_map_has_256_colors_from_dark_to_light():
    assert table(SEQUENTIAL).shape == (256, 3)
    assert lightness(table(SEQUENTIAL)[0].astype(float)) < 15 < 85 < lightness(table(SEQUENTIAL)[-1].astype(float))


@pytest.mark.parametrize("colors", COLOR_MAPS)
def test_colors_are_matplotlibs(colors):
    matplotlib = pytest.importorskip("matplotlib")
    assert np.array_equal(table(colors), np.rint(255 * matplotlib.colormaps[colors](np.arange(256))[:, :3]))


def test_an_overlay_leaves_what_is_at_rest_as_it_is_and_grows_stronger_from_there():
    alpha = tint(np.array([0, 1 / 3, 0.5, 0.8, 1]), SEQUENTIAL, 1 / 3)[:, 3].astype(int)
    assert alpha[:2].tolist() == [0, 0]
    assert (np.diff(alpha[1:]) > 0).all()
    signed = tint(np.array([0, 0.25, 0.5, 0.75, 1]), SIGNED, 0.5)[:, 3].astype(int)
    assert abs(signed - signed[::-1]).max() <= 2
    assert signed[2] < 5 < signed[1] < signed[0]


def test_colors_keep_the_shape_of_their_values():
    assert colorize(np.zeros((2, 3, 4)), SEQUENTIAL).shape == (2, 3, 4, 3)
    assert colorize(np.array([0.0, 1.0]), SEQUENTIAL).tolist() == [[0, 0, 4], [0xFC, 0xFF, 0xA4]]


def test_attention_has_one_scale_whatever_the_map():
    scale = attention(50)
    assert scale.shares([0.0, 0.02, 0.04, 0.9]).tolist() == pytest.approx([0, 0.5, 1, 1])
    assert scale.ticks() == ["0", "1", "2x uniform or more"]
    assert scale.shares(scale.rest) == pytest.approx(1 / 2)  # uniform attention


@pytest.mark.parametrize("level", [0.0, 1 / 64, 1.0])
def test_a_map_whose_values_hardly_differ_is_flat(level):
    noise = np.random.default_rng(0).random((8, 8))
    assert is_flat(level * (1 + 0.001 * noise))
    assert not is_flat(level + noise)


def test_values_outside_the_scale_get_its_end_colors():
    assert Scale(1.0, 2.0).shares([-5, 7]).tolist() == [0, 1]


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
    light = lightness(table(SIGNED).astype(float))
    below, above = np.diff(light[:128]), np.diff(light[128:])
    assert below.min() > -0.1
    assert above.max() < 0.1
    assert light[127] > 95
    assert abs(light - light[::-1]).max() < 12


@pytest.mark.parametrize("cones", WITHOUT)
def test_no_eye_takes_for_for_against(cones):
    colors = seen_without(cones, table(SIGNED).astype(float))
    apart = np.linalg.norm(colors - colors[::-1], axis=1)
    assert apart[:102].min() > 20  # from a fifth of the way on; 2.3 is just noticeable
    assert apart[:64].min() > 30


def test_zero_has_the_middle_color_and_both_ends_are_as_far():
    scale = symmetric([[-0.2, 0.1], [0.05, 0.0]], " logits")
    assert scale.shares([-0.2, 0, 0.2]).tolist() == [0, 0.5, 1]
    assert scale.text(scale.high) == "0.2 logits"
    assert np.ptp(colorize(np.array(0.5), SIGNED).astype(int)) < 5  # gray, nearly white


def test_a_scale_from_zero_ends_at_the_highest_value():
    assert from_zero(PEAKED).shares([0, 0.25, 0.5]).tolist() == [0, 0.5, 1]
    assert from_zero(PEAKED, " logits").ticks() == ["0", "0.25", "0.5 logits"]


def test_values_without_a_unit_are_told_in_per_cent_of_the_highest():
    assert from_zero(PEAKED).ticks() == ["0", "50", "100% of the highest"]


@pytest.mark.parametrize("scale", [from_zero, symmetric])
def test_a_map_of_zeros_stays_one_color(scale):
    shares = scale(np.zeros((2, 2))).shares(np.zeros((2, 2)))
    assert np.ptp(shares) == 0
