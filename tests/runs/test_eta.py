"""When a run will be done is told with how sure that is."""

import numpy as np
import pytest

from vit.runs.eta import TimeLeft, recent_paces, time_left, validations_left


def rows(*paces: float, steps: int = 10) -> list[dict]:
    """A row every ``steps`` steps, each after so many seconds per step."""
    times = np.cumsum([steps * pace for pace in paces]).tolist()
    return [{"step": steps * (place + 1), "time": time} for place, time in enumerate(times)]


def test_the_time_left_follows_the_recent_pace():
    slow, fast = [10.0] * 100, [1.0] * 100
    found = time_left(rows(*slow, *fast, steps=1), [], 300)
    assert found is not None
    assert found.seconds == pytest.approx(100)
    assert found.spread == pytest.approx(0)


def test_there_is_no_time_left_to_tell_before_the_second_row():
    assert time_left([], [], 100) is None
    assert time_left(rows(1.0), [], 100) is None
    assert time_left(rows(1.0) * 2, [], 100) is None


def test_how_sure_it_is_is_not_told_from_two_stretches():
    found = time_left(rows(1.0, 1.0, 1.0, steps=1), [], 13)
    assert found == TimeLeft(10, None)


def test_how_many_steps_fit_between_two_reports_is_not_taken_for_a_change_of_pace():
    found = time_left(rows(*[0.8, 1.2] * 30), [], 1200)
    assert found is not None
    assert found.spread is not None
    assert found.spread < 0.05 * found.seconds


def test_validations_take_their_time_too():
    found = time_left(rows(*[0.1] * 30), [4.0, 6.0], 1000, eval_steps=100)  # at step 300
    assert found is not None
    assert found.seconds == pytest.approx(700 * 0.1 + 7 * 5.0)
    assert found.spread == pytest.approx(7 * 2**0.5)


@pytest.mark.parametrize(
    ("step", "total", "every", "left"), [(0, 10, 5, 2), (5, 10, 5, 1), (4, 11, 5, 3), (10, 10, 5, 0), (3, 10, None, 0)]
)
def test_the_last_step_is_always_validated(step, total, every, left):
    assert validations_left(step, total, every) == left


def test_a_validation_between_two_rows_of_a_step_is_no_pace():
    twice = [row for row in rows(*[1.0] * 8) for _ in (0, 1)]
    assert recent_paces(twice) == pytest.approx([1.0] * 7)


def test_about_two_of_three_runs_end_within_the_spread():
    """A machine whose pace wanders as ours do: by some per cent from stretch to stretch, as many to come as were seen.

    The mean of what is to come differs less than single stretches, that of the past is itself uncertain: together
    within one standard deviation more often than the 68 % of a normal distribution.
    """
    draw, hits = np.random.default_rng(0), 0
    for _ in range(200):
        stretches = draw.normal(1.0, 0.08, 12).clip(0.5).repeat(10)
        found = time_left(rows(*stretches[:60]), [], 1200)
        assert found is not None
        assert found.spread is not None
        hits += abs(found.seconds - 10 * stretches[60:].sum()) <= found.spread
    assert 0.68 <= hits / 200 <= 0.97
