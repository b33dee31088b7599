"""Curves are thinned and smoothed without inventing or losing what can be seen."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.shared import curves
from pages.train.live import header, tracked

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3000)


@given(NUMBERS)
def test_thinning_keeps_ends_and_extremes_and_stays_below_the_limit(values):
    x, y = curves.thin(list(range(len(values))), values, most=100)
    assert len(x) <= 100 or len(values) <= 100
    assert (x[0], x[-1]) == (0, len(values) - 1)
    assert (min(y), max(y)) == (min(values), max(values))
    assert all(values[place] == value for place, value in zip(x, y, strict=True))
    assert x == sorted(set(x))


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


def test_the_time_left_follows_the_recent_pace():
    slow = [{"step": step, "time": 10.0 * step} for step in range(100)]
    fast = [{"step": 100 + step, "time": 1000 + step} for step in range(100)]
    assert header.seconds_left(slow + fast, 300) == pytest.approx(101)


def test_there_is_no_time_left_to_tell_before_the_second_row():
    assert header.seconds_left([], 100) is None
    assert header.seconds_left([{"step": 1, "time": 1.0}], 100) is None
    assert header.seconds_left([{"step": 1, "time": 1.0}] * 2, 100) is None


def test_a_long_history_is_thinned_and_ends_with_the_latest():
    bars = [(step / 1000, True) for step in range(1000)]
    kept = tracked.thinned(bars)
    assert len(kept) <= tracked.MOST_BARS
    assert kept[-1] == bars[-1]
