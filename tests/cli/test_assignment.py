"""``--set FIELD=VALUE``: numbers are numbers, words are words, null unsets."""

import argparse

import pytest

from vit.cli.train import assignment


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("model.in_channels=1", 1),
        ("train.lr=1e-3", 1e-3),
        ("train.compile=true", True),
        ("augment.flip=none", "none"),
        ("train.epochs=null", None),
        ("data.source=a=b", "a=b"),
    ],
)
def test_a_value_is_read_as_what_it_looks_like(text, value):
    assert assignment(text)[1] == value


@pytest.mark.parametrize("text", ["train.lr", "lr=1", "=1", ""])
def test_what_is_no_assignment_is_refused_with_an_example(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"train.lr=1e-3"):
        assignment(text)
