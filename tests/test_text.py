"""Numbers and times read as a person would write them."""

import pytest

from vit import text


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (72, "1 min 12 s"),
        (600, "10 min"),
        (3600, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (-5, "0 s"),
    ],
)
def test_durations(seconds, shown):
    assert text.duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(950, "950"), (552_000, "552K"), (77.6e6, "77.6M"), (1.2e9, "1.2G"), (999_999, "1M")]
)
def test_large_numbers(value, shown):
    assert text.compact(value) == shown


@pytest.mark.parametrize(
    ("num_bytes", "shown"), [(0, "0 B"), (999, "999 B"), (1600, "1.6 kB"), (2.5e9, "2.5 GB"), (3e12, "3 TB")]
)
def test_bytes(num_bytes, shown):
    assert text.size(num_bytes) == shown


def test_a_share_is_a_percentage():
    assert (text.percent(0.888), text.percent(0.5, 0), text.percent(1)) == ("88.8%", "50%", "100.0%")


def test_what_is_not_known_yet_is_a_dash():
    assert text.percent(None) == text.number(None) == "–"


def test_one_is_singular_and_nothing_else_is():
    assert [text.counted(count, "step") for count in (0, 1, 1240, 1.5)] == [
        "0 steps",
        "1 step",
        "1,240 steps",
        "1.5 steps",
    ]
    assert text.counted(2, "class", "classes") == "2 classes"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("ein Bär 🐻\u3000und 日本", "ein Bär 🐻\u3000und 日本"),
        ("red \x1b[31m", "red \\x1b[31m"),
        ("over\rwritten\n", "over\\rwritten\\n"),
        ("title \x1b]0;evil\x07", "title \\x1b]0;evil\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("gnp.\u202e", "gnp.\\u202e"),
        ("half a letter \udcff", "half a letter \\udcff"),
    ],
    ids=ascii,
)
def test_what_would_steer_a_terminal_is_spelled_out(words, shown):
    assert text.printable(words) == shown


@pytest.mark.parametrize(
    ("share", "images", "words"),
    [(1.0, 5, "100.0% (5 of 5)"), (14 / 15, 15, "93.3% (14 of 15)"), (0.582, 2000, "58.2%"), (None, 5, "–")],
)
def test_an_accuracy_on_few_images_says_how_many_were_right(share, images, words):
    assert text.accuracy(share, images) == words
