"""Curves are thinned, smoothed and packed without inventing or losing what can be seen."""

import base64
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.shared import curves
from pages.train.live import tracked


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3000))
def test_thinning_keeps_ends_and_extremes_and_stays_below_the_limit(values):
    x, y = curves.thin(list(range(len(values))), values, most=100)
    assert len(x) <= 100 or len(values) <= 100
    assert (x[0], x[-1]) == (0, len(values) - 1)
    assert (min(y), max(y)) == (min(values), max(values))
    assert all(values[place] == value for place, value in zip(x, y, strict=True))
    assert (np.diff(x) > 0).all()


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=300))
def test_smoothing_stays_within_the_values_and_starts_at_the_first(values):
    smoothed = curves.smooth(values)
    assert len(smoothed) == len(values)
    assert smoothed[0] == pytest.approx(values[0])
    assert min(values) - 1e-9 <= min(smoothed)
    assert max(smoothed) <= max(values) + 1e-9


def test_smoothing_calms_noise():
    noisy = [math.sin(3.7 * step) for step in range(500)]
    smoothed = curves.smooth(noisy)
    assert max(map(abs, smoothed[50:])) < 0.5


def test_without_smoothing_the_values_stay():
    assert curves.smooth([3.0, 1.0, 2.0], 0.0) == [3.0, 1.0, 2.0]


def test_numbers_travel_with_seven_digits_and_what_is_too_large_becomes_infinite():
    sent = np.frombuffer(base64.b64decode(curves.packed([1 / 3, 12_345_678.0, 1e300])), "<f4")
    assert sent[:2] == pytest.approx([1 / 3, 12_345_678.0], rel=1e-7)
    assert sent[2] == math.inf


def test_a_long_history_is_thinned_and_ends_with_the_latest():
    bars = [(step / 1000, True) for step in range(1000)]
    kept = tracked.thinned(bars)
    assert len(kept) <= tracked.MOST_BARS
    assert kept[-1] == bars[-1]
