"""Numbers and times read as a person would say them."""

import pytest

from pages.shared import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (72, "1 min 12 s"), (600, "10 min"), (3600, "1 h 0 min"), (-5, "0 s")],
)
def test_durations(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(950, "950"), (552_000, "552K"), (77.6e6, "77.6M"), (1.2e9, "1.2G")])
def test_large_numbers(value, text):
    assert words.compact(value) == text


def test_what_is_not_known_yet_is_a_dash():
    assert words.percent(None) == words.number(None) == "–"


def test_one_is_singular():
    assert (words.counted(1, "picture"), words.counted(1240, "picture")) == ("1 picture", "1,240 pictures")
