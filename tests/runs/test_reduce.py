"""A curve that is followed while it grows is reduced without losing what can be seen of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vit.runs.reduce import Reducer

FEW = 8  # buckets, so that a short column fills them

COLUMNS = st.lists(st.floats(-1e6, 1e6) | st.just(np.nan), max_size=200).map(np.array)


def followed(column: np.ndarray, cuts: list[int]) -> Reducer:
    """A reducer that saw a column grow in pieces."""
    reducer = Reducer(FEW)
    for end in [*sorted(cut % (len(column) + 1) for cut in cuts), len(column)]:
        reducer.update(column[:end])
    return reducer


def check(reducer: Reducer, column: np.ndarray) -> None:
    """What a chart relies on."""
    there, points = np.flatnonzero(~np.isnan(column)), reducer.points()
    assert len(points) <= 2 * FEW + 2
    assert (np.diff(points) > 0).all()
    assert reducer.buckets["count"].sum() == len(there)
    if len(there):
        assert (points[0], points[-1]) == (there[0], there[-1])
        assert column[points].min() == np.nanmin(column)
        assert column[points].max() == np.nanmax(column)
        mean = np.average(reducer.means(), weights=reducer.buckets["count"])
        assert mean == pytest.approx(np.nanmean(column), rel=1e-9, abs=1e-6)


@given(COLUMNS, st.lists(st.integers(0, 200), max_size=12))
def test_ends_and_extremes_stay_in_few_points_however_the_curve_grew(column, cuts):
    reducer = followed(column, cuts)
    check(reducer, column)
    assert (reducer.buckets == followed(column, []).buckets).all()


@given(COLUMNS, COLUMNS, st.integers(0, 200))
def test_what_a_resumed_run_repeats_replaces_what_was_there(first, second, kept):
    reducer = followed(first, [7, 90])
    kept %= len(first) + 1
    reducer.keep(kept)
    column = np.concatenate([first[:kept], second])
    reducer.update(column)
    check(reducer, column)


def test_a_few_points_are_shown_as_they_are():
    column = np.array([3.0, np.nan, 1.0, 2.0])
    reducer = followed(column, [])
    assert reducer.points().tolist() == [0, 2, 3]
    assert reducer.means().tolist() == [3.0, 1.0, 2.0]


def test_a_run_that_goes_back_to_its_beginning_is_fine_again():
    column = np.arange(10_000.0)
    reducer = followed(column, [])
    reducer.keep(6)
    reducer.update(column[:6])
    assert reducer.points().tolist() == list(range(6))


def test_an_update_does_not_look_at_what_is_long_past():
    column = np.sin(np.arange(10_000.0))
    reducer = followed(column, [])
    before = reducer.buckets[:-1].copy()
    longer = np.append(column, 0.5)
    longer[: before["last"][-1] + 1] = np.nan  # would be noticed
    reducer.update(longer)
    assert (reducer.buckets[: len(before)] == before).all()
    assert reducer.points()[-1] == 10_000
