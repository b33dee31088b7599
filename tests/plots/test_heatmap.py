"""Heatmaps show the values they were given: as many squares as tokens, in their place, in the scale's colors."""

import numpy as np
import pytest
import torch
from PIL import Image

from vit.plots.colors import COLOR_MAPS, SEQUENTIAL, SIGNED, tint
from vit.plots.heatmap import (
    ATTENTION,
    OUTSIDE,
    appearance,
    color_bar,
    describe_map,
    describe_values,
    enlarge,
    overlay,
    place_back,
    spotlight,
    token_grid,
)
from vit.plots.scale import attention, symmetric

RNG = np.random.default_rng(0)
VALUES = RNG.random((8, 8)) / 16
SCALE = attention(64)
REST = float(SCALE.shares(SCALE.rest))


def photo(width=32, height=32) -> Image.Image:
    return Image.fromarray(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("size", [64, 100, 320, 333])
@pytest.mark.parametrize("colors", COLOR_MAPS)
def test_every_token_is_one_square_of_its_color_over_the_image(size, colors):
    drawn = np.asarray(overlay(Image.new("RGB", (32, 32)), VALUES, scale=SCALE, size=size, colors=colors)).astype(int)
    tints = tint(SCALE.shares(VALUES), colors, REST).astype(float)
    expected = tints[..., :3] * tints[..., 3:] / 255  # over black
    places = (np.arange(size) + 0.5) * 8 / size
    inside = np.abs(places - places.round()) * size / 8 > 0.01  # a pixel whose middle is on a border may go either way
    tokens = places[inside].astype(int)
    assert abs(drawn[inside][:, inside] - expected[tokens][:, tokens]).max() <= 1  # Pillow rounds products


def test_where_attention_is_uniform_or_less_the_image_is_as_it_was():
    image = photo()
    drawn = overlay(image, np.full((8, 8), 0.9 / 64), scale=SCALE, size=64)
    assert np.array_equal(np.asarray(drawn), np.asarray(image).repeat(2, 0).repeat(2, 1))


def test_the_highest_value_is_drawn_over_its_own_patch():
    values = np.zeros((8, 8))
    values[2, 5] = 1
    drawn = np.asarray(overlay(Image.new("RGB", (32, 32), "gray"), values, scale=SCALE, size=80))
    lightest = drawn.sum(2) == drawn.sum(2).max()
    assert np.array_equal(np.argwhere(lightest).min(0), [20, 50])
    assert np.array_equal(np.argwhere(lightest).max(0), [29, 59])


def test_torch_tensors_and_numpy_arrays_draw_alike():
    image = photo()
    from_torch = overlay(image, torch.from_numpy(VALUES), scale=SCALE)
    assert from_torch.tobytes() == overlay(image, VALUES, scale=SCALE).tobytes()


def test_the_token_grid_cuts_a_image_into_its_patches():
    drawn = np.asarray(token_grid(Image.new("RGB", (32, 32)), 4, size=320))
    lines = np.flatnonzero(drawn[:, 1].sum(1))
    assert lines.tolist() == [40, 80, 120, 160, 200, 240, 280]


def test_a_gray_input_can_be_drawn_over():
    assert overlay(photo().convert("L"), VALUES, scale=SCALE).mode == "RGB"
    assert token_grid(photo().convert("L"), 4).mode == "RGB"


@pytest.mark.parametrize(("width", "height"), [(60, 40), (40, 60), (4000, 100), (3, 1)])
def test_an_overlay_goes_back_to_its_box_and_the_rest_is_darkened(width, height):
    original = Image.new("RGB", (width, height), (200, 200, 200))
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    drawn = place_back(original, (left, top, left + side, top + side), Image.new("RGB", (32, 32), "red"), size=600)
    pixels = np.asarray(drawn)
    red = (pixels == [255, 0, 0]).all(2)
    assert max(drawn.size) == 600
    assert red.sum() == pytest.approx(side**2 / (width * height) * red.size, rel=0.25)
    assert pixels[~red].max(initial=0) <= 100
    center = (np.argwhere(red).mean(0) + 0.5) / red.shape
    assert center == pytest.approx([(top + side / 2) / height, (left + side / 2) / width], abs=0.02)


@pytest.mark.parametrize(("width", "height"), [(60, 40), (40, 60), (4000, 100), (3, 1)])
def test_a_spotlight_leaves_its_box_as_it_is_and_darkens_the_rest(width, height):
    pixels = np.random.default_rng(0).integers(50, 256, (height, width, 3), np.uint8)  # nowhere black
    original = Image.fromarray(pixels)
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    drawn = spotlight(original, (left, top, left + side, top + side), size=300)
    assert max(drawn.size) == 300
    light = np.asarray(original.resize(drawn.size, Image.Resampling.LANCZOS)).astype(float)
    kept = (np.abs(np.asarray(drawn) - light) < 1e-6).all(2)
    assert kept.sum() == pytest.approx(side**2 / (width * height) * kept.size, rel=0.25)
    assert np.abs(np.asarray(drawn) - OUTSIDE * light)[~kept].max(initial=0) <= 1
    center = (np.argwhere(kept).mean(0) + 0.5) / kept.shape
    assert center == pytest.approx([(top + side / 2) / height, (left + side / 2) / width], abs=0.02)


def test_a_photograph_is_scaled_smoothly_and_a_small_image_keeps_its_pixels():
    small, large = photo(), photo(200, 200)
    assert np.array_equal(np.asarray(enlarge(small, 64)), np.asarray(small).repeat(2, 0).repeat(2, 1))
    assert not np.array_equal(np.asarray(enlarge(large, 400)), np.asarray(large).repeat(2, 0).repeat(2, 1))


def test_a_color_bar_runs_through_all_colors():
    bar = np.asarray(color_bar(SCALE, width=256))
    assert np.array_equal(bar[0], tint(np.linspace(0, 1, 256), SEQUENTIAL, REST))


def test_words_name_the_highest_places_in_multiples_of_uniform():
    values = np.full((8, 8), 0.01)
    values[2, 4], values[7, 0], values[0, 0] = 0.2, 0.1, 0.05
    words = describe_map(values, num_tokens=20)
    assert words == (
        "Attention is strongest at row 2, column 4 (4x uniform), followed by row 7, column 0 (2x uniform) "
        "and row 0, column 0 (1x uniform)."
    )


def test_words_do_not_rank_a_flat_map():
    assert "nearly uniform" in describe_map(np.full((8, 8), 1 / 64), num_tokens=64)


def test_words_need_no_three_places():
    assert describe_map([[0.5]], num_tokens=2) == "Attention is nearly uniform: 1x uniform everywhere."


def test_words_for_other_maps_name_the_highest_places_and_what_speaks_against():
    values = np.zeros((3, 3))
    values[2, 1], values[0, 2], values[1, 1], values[2, 2] = 0.5, 0.25, 0.125, -0.75
    assert describe_values(values, " logits") == (
        "Highest is row 2, column 1 (0.5 logits), followed by row 0, column 2 (0.25 logits) and row 1, column 1 "
        "(0.12 logits). Lowest is row 2, column 2 (-0.75 logits)."
    )
    assert "Lowest" not in describe_values(np.abs(values))


def test_words_for_a_map_without_differences_say_so():
    assert describe_values(np.zeros((2, 2)), " logits") == "The map is 0 logits everywhere."


def test_a_map_looks_like_what_its_values_mean():
    signed = np.array([[0.5, -1.0], [0.0, 0.25]])
    scale, colors, words = appearance(signed, unit=" logits", is_signed=True, num_tokens=5)
    assert (scale, colors) == (symmetric(signed, " logits"), SIGNED)
    assert "logits" in words
    scale, colors, words = appearance(np.abs(signed), unit=ATTENTION, is_signed=False, num_tokens=5)
    assert (scale, colors) == (attention(5), SEQUENTIAL)
    assert "uniform" in words
    scale, colors, words = appearance(np.abs(signed), unit="", is_signed=False, num_tokens=5)
    assert (scale.low, scale.high, colors) == (0, 1, SEQUENTIAL)
    assert "uniform" not in words
