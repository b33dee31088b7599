import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from vit.data.load import carve, epoch_order
from vit.errors import DataError

label_lists = st.lists(st.integers(0, 4), min_size=12, max_size=200)


@given(label_lists, st.floats(0.1, 0.5), st.integers(0, 2**31 - 1))
def test_every_picture_is_in_exactly_one_part(labels, val_size, seed):
    try:
        train, val = carve(torch.tensor(labels), val_size, seed)
    except DataError:
        return
    assert sorted(train.tolist() + val.tolist()) == list(range(len(labels)))
    assert set(train.tolist()).isdisjoint(val.tolist())
    assert set(np.array(labels)[train]) == set(labels), "a class lost its last training picture"


@given(st.lists(st.integers(1, 60), min_size=2, max_size=6), st.floats(0.05, 0.6))
@example([1, 1, 1, 6], 0.5625)
def test_all_classes_give_the_same_share_rounded_but_for_their_last_picture(counts, val_size):
    """Webster's rule: one share t, of which every class gives round(t * count)."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    try:
        _, val = carve(labels, val_size, seed=3)
    except DataError:
        return
    gifts = list(zip(torch.bincount(labels[val], minlength=len(counts)).tolist(), counts, strict=True))
    least = max((gift - 0.5) / count for gift, count in gifts)
    most = min([(gift + 0.5) / count for gift, count in gifts if gift < count - 1], default=1)
    assert len(val) == round(val_size * len(labels))
    assert least <= most + 1e-12


def test_the_same_seed_gives_the_same_parts_and_another_gives_others():
    labels = torch.arange(1000) % 10
    assert torch.equal(carve(labels, 0.1, 7)[1], carve(labels, 0.1, 7)[1])
    assert not torch.equal(carve(labels, 0.1, 7)[1], carve(labels, 0.1, 8)[1])


def test_a_larger_part_contains_the_smaller_one():
    labels = torch.arange(1000) % 10
    assert set(carve(labels, 100, 1)[1].tolist()) <= set(carve(labels, 250, 1)[1].tolist())


def test_sizes_from_one_on_are_numbers_of_pictures():
    labels = torch.arange(1000) % 10
    assert len(carve(labels, 123, 0)[1]) == 123
    assert len(carve(labels, 0.2, 0)[1]) == 200


def test_parts_are_pinned_across_versions():
    """Old runs must find their own validation pictures again."""
    assert carve(torch.arange(40) % 4, 8, seed=0)[1].tolist() == [0, 7, 9, 16, 17, 18, 27, 34]
    assert epoch_order(8, seed=0, epoch=1).tolist() == [3, 7, 1, 4, 6, 2, 5, 0]


@pytest.mark.parametrize("val_size", [0.0001, 96, 1e7])
def test_impossible_sizes_are_refused_with_a_remedy(val_size):
    with pytest.raises(DataError, match="use a (larger|smaller) val_size"):
        carve(torch.arange(100) % 5, val_size, 0)


def test_every_epoch_visits_everything_once_in_its_own_order():
    first, second = epoch_order(500, 3, 0), epoch_order(500, 3, 1)
    assert first.sort().values.tolist() == list(range(500))
    assert not torch.equal(first, second)
    assert torch.equal(first, epoch_order(500, 3, 0))
    assert not torch.equal(first, epoch_order(500, 4, 0))
