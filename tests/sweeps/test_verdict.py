"""An interval says no more than the differences show."""

import numpy as np
import pytest
from scipy import stats

from vit.sweeps.verdict import CONFIDENCE, judge


def test_the_interval_is_students_for_paired_differences():
    differences = [0.031, 0.012, 0.044, -0.003, 0.025]
    expected = stats.ttest_1samp(differences, 0).confidence_interval(CONFIDENCE)
    verdict = judge(differences, "A", "B")
    assert (verdict.low, verdict.high) == pytest.approx((expected.low, expected.high))
    assert verdict.difference == pytest.approx(np.mean(differences))


def test_the_better_one_is_named_whichever_comes_first():
    differences = [0.10, 0.11, 0.12, 0.10, 0.11]
    assert judge(differences, "A", "B").sentence.startswith("A is better than B by 10.8 points (99% CI 9.1 to 12.5")
    turned = judge([-difference for difference in differences], "A", "B")
    assert turned.sentence.startswith("B is better than A by 10.8 points (99% CI 9.1 to 12.5")
    assert turned.is_found


def test_an_interval_around_zero_is_not_enough_evidence():
    verdict = judge([0.05, -0.04, 0.02, 0.01, -0.03], "A", "B")
    assert verdict.sentence.startswith("Not enough evidence.")
    assert not verdict.is_found


def test_a_small_difference_is_told_as_one():
    assert "below 1 point hardly matters" in judge([0.005, 0.0051, 0.0049, 0.005], "A", "B").sentence
    assert judge([0.001, -0.001, 0.0005, -0.0005], "A", "B").sentence.startswith("No difference that matters")


def test_equal_arms_are_no_evidence():
    assert not judge([0.0, 0.0, 0.0], "A", "B").is_found


def test_two_pairs_are_too_few():
    assert judge([0.1, 0.1], "A", "B") is None


def test_chance_is_seldom_taken_for_a_difference():
    draws = np.random.default_rng(0).normal(0, 0.02, (4000, 5))
    alarms = sum(judge(list(row), "A", "B").is_found for row in draws)
    assert alarms / len(draws) == pytest.approx(1 - CONFIDENCE, abs=0.005)  # three standard errors
