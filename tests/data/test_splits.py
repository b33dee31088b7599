import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from vit import presets
from vit.config import DataConfig, RunConfig, TrainConfig
from vit.data import catalog
from vit.data.load import epoch_order, train_val_split
from vit.data.store import DatasetInfo
from vit.errors import DataError
from vit.rules import Environment, find_problems, training_images

label_lists = st.lists(st.integers(0, 4), min_size=12, max_size=200)


@given(label_lists, st.integers(1, 100), st.integers(0, 2**31 - 1))
def test_every_image_is_in_exactly_one_split(labels, num_val, seed):
    try:
        train, val = train_val_split(torch.tensor(labels), num_val, seed)
    except DataError:
        return
    assert sorted(train.tolist() + val.tolist()) == list(range(len(labels)))
    assert set(train.tolist()).isdisjoint(val.tolist())
    assert set(np.array(labels)[train]) == set(labels), "a class lost its last training image"


@given(st.lists(st.integers(1, 60), min_size=2, max_size=6), st.floats(0.05, 0.6))
@example([1, 1, 1, 6], 0.5625)
def test_all_classes_give_the_same_share_rounded_but_for_their_last_image(counts, val_size):
    """Webster's rule: one share t, of which every class gives round(t * count)."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    num_val = DataConfig(val_size=val_size).num_val(len(labels))
    try:
        _, val = train_val_split(labels, num_val, seed=3)
    except DataError:
        return
    gifts = list(zip(torch.bincount(labels[val], minlength=len(counts)).tolist(), counts, strict=True))
    least = max((gift - 0.5) / count for gift, count in gifts)
    most = min([(gift + 0.5) / count for gift, count in gifts if gift < count - 1], default=1)
    assert len(val) == num_val
    assert least <= most + 1e-12


def test_the_same_seed_gives_the_same_parts_and_another_gives_others():
    labels = torch.arange(1000) % 10
    assert torch.equal(train_val_split(labels, 100, 7)[1], train_val_split(labels, 100, 7)[1])
    assert not torch.equal(train_val_split(labels, 100, 7)[1], train_val_split(labels, 100, 8)[1])


def test_a_larger_part_contains_the_smaller_one():
    labels = torch.arange(1000) % 10
    assert set(train_val_split(labels, 100, 1)[1].tolist()) <= set(train_val_split(labels, 250, 1)[1].tolist())


@pytest.mark.parametrize(("val_size", "num_val"), [(123, 123), (0.2, 200), (0.0001, 1)])
def test_a_validation_size_is_a_count_or_a_share_and_at_least_one_image(val_size, num_val):
    assert DataConfig(val_size=val_size).num_val(1000) == num_val
    assert len(train_val_split(torch.arange(1000) % 10, num_val, 0)[1]) == num_val


def test_parts_are_pinned_across_versions():
    """Old runs must find their own validation images again."""
    assert train_val_split(torch.arange(40) % 4, 8, seed=0)[1].tolist() == [0, 7, 9, 16, 17, 18, 27, 34]
    assert epoch_order(8, seed=0, epoch=1).tolist() == [3, 7, 1, 4, 6, 2, 5, 0]


@pytest.mark.parametrize("num_val", [96, 10**7])
def test_a_class_that_would_lose_its_last_training_image_is_refused_with_a_remedy(num_val):
    with pytest.raises(DataError, match="use a smaller val_size"):
        train_val_split(torch.arange(100) % 5, num_val, 0)


def test_four_images_are_enough_for_the_form_and_for_the_worker():
    config, labels = RunConfig(data=DataConfig(val_size=0.1), train=TrainConfig(epochs=5, batch_size=2)), [0, 0, 1, 1]
    environment = Environment(num_train=4, num_classes=2)
    found = {problem.field for problem in find_problems(config.to_json(), environment)}
    assert found == {"model.num_classes"}  # ten by default
    train, val = train_val_split(torch.tensor(labels), config.data.num_val(len(labels)), config.train.seed)
    assert (len(train), len(val)) == (3, 1) == (training_images(config, 4), 1)


def test_every_epoch_visits_everything_once_in_its_own_order():
    first, second = epoch_order(500, 3, 0), epoch_order(500, 3, 1)
    assert first.sort().values.tolist() == list(range(500))
    assert not torch.equal(first, second)
    assert torch.equal(first, epoch_order(500, 3, 0))
    assert not torch.equal(first, epoch_order(500, 4, 0))


@pytest.mark.parametrize(
    ("val_size", "num_images", "num_classes", "kept"),
    [
        (0.04, 120, 3, 24),  # five before
        (0.04, 200, 4, 40),
        (0.04, 980, 4, 40),
        (0.04, 1000, 4, 0.04),
        (0.04, 50_000, 10, 0.04),
        (0.1, 30, 3, 6),
        (0.1, 4, 2, 0.1),
        (60, 120, 3, 60),
    ],
)
def test_a_small_data_set_gives_a_fifth_to_validation_up_to_ten_images_of_a_class(
    val_size, num_images, num_classes, kept
):
    assert presets.believable_val_size(val_size, num_images, num_classes) == kept


@pytest.mark.parametrize("name", presets.PRESETS)
def test_split_and_batches_of_every_preset_are_its_own_on_cifar10_and_shapes(name):
    cifar10 = DatasetInfo("cifar10", "imported", tuple("abcdefghij"), {"train": 50_000}, 32, "")
    for info in (cifar10, catalog.SHAPES):
        with_data, without = presets.build(name, data=info), presets.build(name)
        assert with_data["data"]["val_size"] == without["data"]["val_size"]
        assert with_data["train"]["batch_size"] == without["train"]["batch_size"]


def test_a_validation_split_that_a_person_chose_is_kept():
    few = DatasetInfo("pets", "imported", ("cat", "dog"), {"train": 60}, 32, "")
    assert presets.build("tutorial", data=few)["data"]["val_size"] == 12
    assert presets.build("tutorial", {"data.val_size": 3}, data=few)["data"]["val_size"] == 3


def test_an_epoch_of_a_small_set_has_several_steps():
    few = DatasetInfo("pets", "imported", ("cat", "dog", "owl"), {"train": 74}, 32, "")
    raw = presets.build("5-minutes", data=few)
    assert (raw["data"]["val_size"], raw["train"]["batch_size"]) == (14, 8)  # 60 are left; 15 are a quarter of them
    assert presets.build("5-minutes", {"train.batch_size": 60}, data=few)["train"]["batch_size"] == 60
