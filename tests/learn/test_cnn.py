"""The CNN of chapter 1 is as large as the ViT that it is compared with, and both see the same."""

import pytest
import torch

from tests.training.conftest import CPU, striped_images, tiny_config
from vit.data.load import Dataset
from vit.learn import cnn, compared, versus
from vit.training.batches import prepare


@pytest.mark.parametrize("width", [2, 7, 44])
def test_the_arithmetic_counts_the_parameters_that_there_are(width):
    assert cnn.size(width, 3, 10) == cnn.num_parameters(cnn.SmallCnn(width, 3, 10))
    assert cnn.size(width, 1, 4) == cnn.num_parameters(cnn.SmallCnn(width, 1, 4))


@pytest.mark.parametrize("parameters", [100_000, 550_000, 2_000_000])
def test_the_cnn_has_about_as_many_parameters_as_asked_for(parameters):
    found = cnn.num_parameters(cnn.of_size(parameters, 3, 10))
    assert abs(found / parameters - 1) < 0.05  # one step of the width changes 2 / width of them


def test_the_cnn_answers_for_each_image_by_itself():
    network = cnn.of_size(20_000, 3, 10).eval()
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        together, alone = network(images), torch.cat([network(image[None]) for image in images])
    assert together.shape == (4, 10)
    torch.testing.assert_close(together, alone)


@pytest.fixture
def dataset() -> Dataset:
    classes = ("top", "middle", "bottom")
    return Dataset("striped", classes, striped_images(96, 0), striped_images(30, 1), "fingerprint")


def test_both_networks_are_trained_with_little_data_and_with_much(dataset):
    config = tiny_config(train__steps=10, train__lr=1e-2)
    told = []
    rows = versus.compare(config, prepare(dataset, config, CPU), lambda *progress: told.append(progress))
    ends = [(row.share, row.network) for row in rows if row.step == 10]
    assert ends == [(0.05, "ViT"), (0.05, "CNN"), (1.0, "ViT"), (1.0, "CNN")]
    assert told[-1] == (40, 40, "CNN with 100% of the training images")


def test_little_data_is_a_part_of_the_training_images_drawn_from_the_seed(dataset):
    data = prepare(dataset, tiny_config(), CPU)
    some, same, other = (versus.part_of(data, 0.25, seed) for seed in (0, 0, 1))
    assert len(some.train.labels) == round(0.25 * len(data.train.labels))
    assert torch.equal(some.train.images, same.train.images)
    assert not torch.equal(some.train.images, other.train.images)
    known = {image.numpy().tobytes() for image in data.train.images}
    assert all(image.numpy().tobytes() in known for image in some.train.images)
    assert some.val is data.val


def test_what_was_found_is_kept_and_a_damaged_file_is_nothing(home):
    rows = [compared.Row(network="ViT", share=0.05, step=3, val_accuracy=0.5)]
    assert compared.read("shapes") == []
    compared.write("shapes", rows)
    assert compared.read("shapes") == rows
    (home / "lessons" / "versus-shapes.json").write_text('[{"network": "ViT", "share": 7}]')
    assert compared.read("shapes") == []
