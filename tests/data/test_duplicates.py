"""What shows the same picture is found, and what doesn't is left alone."""

import io
import tarfile
import time

import numpy as np
import pytest
from PIL import Image

from vit import jobs
from vit.data import catalog, cifar10, draws, duplicates, shapes, store
from vit.data import jobs as data_jobs
from vit.errors import DataError

NUM_TRAIN, NUM_TEST = 300, 60


def jpeg(pixels: np.ndarray, quality: int = 75) -> np.ndarray:
    """An image (3, S, S) after it was saved as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer)).transpose(2, 0, 1)


def written(name: str, **splits: np.ndarray) -> str:
    """A data set of these images, whose labels alternate."""
    target = store.folder_of(name)
    with store.creating(target) as staging:
        writer = store.Writer(staging)
        for split, pixels in splits.items():
            writer.append(split, pixels, np.arange(len(pixels)) % 2)
        info = store.DatasetInfo(name, "imported", ("one", "other"), {}, None, "")
        store.publish(staging, target, writer.finish(info))
    return name


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    return {
        "train": shapes.render(np.arange(NUM_TRAIN), 32)[0],
        "test": shapes.render(np.arange(NUM_TEST), 32, split="test")[0],
    }


def found_pairs(result: duplicates.Duplicates) -> set:
    return {(pair.first, pair.second) for pair in result.pairs}


def test_planted_test_images_are_found_among_the_training_images_and_nothing_else_is(drawn):
    leaked = draws.permutation(NUM_TEST, 0, 0)[:20]
    planted = np.stack([jpeg(drawn["test"][index]) for index in leaked])
    result = duplicates.check(written("leaky", train=np.concatenate([drawn["train"], planted]), test=drawn["test"]))
    expected = {(("train", NUM_TRAIN + place), ("test", int(index))) for place, index in enumerate(leaked)}
    assert found_pairs(result) == expected
    assert (result.num_equal, result.num_near, result.num_leaked) == (0, 20, 20)


def test_equal_pixels_are_told_from_nearly_equal_ones(drawn):
    train = drawn["train"][:20].copy()
    train[7], train[12], train[15] = train[3], train[3], jpeg(train[9])
    result = duplicates.check(written("doubled", train=train))
    assert {pair for pair in found_pairs(result) if pair[0] == ("train", 3)} == {
        (("train", 3), ("train", 7)),
        (("train", 3), ("train", 12)),
    }
    assert [pair.difference for pair in result.pairs if pair.second == ("train", 7)] == [0]
    assert (result.num_equal, result.num_near, result.num_leaked) == (2, 1, 0)


def test_a_copy_of_a_test_image_that_leaks_leaks_too(drawn):
    test = drawn["test"][:10].copy()
    test[4] = test[2]
    train = np.concatenate([drawn["train"][:10], jpeg(test[2])[None]])
    assert duplicates.check(written("twice", train=train, test=test)).num_leaked == 2


def test_images_without_anything_in_them_are_equal_or_nothing():
    plain = np.zeros((6, 3, 32, 32), np.uint8) + np.array([0, 0, 90, 91, 200, 255], np.uint8)[:, None, None, None]
    assert found_pairs(duplicates.check(written("plain", train=plain))) == {(("train", 0), ("train", 1))}


@pytest.mark.parametrize("side", [4, 6, 15, 16, 33, 100])
def test_images_of_any_size_are_compared(side):
    train = np.random.default_rng(side).integers(0, 256, (9, 3, side, side), np.uint8)
    train[8] = train[1]
    assert found_pairs(duplicates.check(written(f"side-{side}", train=train))) == {(("train", 1), ("train", 8))}


def test_the_light_of_an_image_does_not_change_its_form_and_other_images_have_another_one(drawn):
    images = drawn["train"][:50] // 2
    one, brighter = duplicates.forms(images), duplicates.forms(images + 60)
    assert np.allclose(one, brighter, atol=1e-4)  # sums of float32 numbers up to 255
    likeness = one @ one.T
    assert np.allclose(np.diag(likeness), 1, atol=0.05)  # a weak image is a little shorter
    assert np.triu(likeness, 1).max() < duplicates.SIMILAR


def test_of_many_alike_each_is_compared_with_its_nearest():
    """So that a film's frames don't take for ever."""
    likeness = np.linspace(0.91, 0.99, 100, dtype=np.float32)[None]
    found = duplicates._candidates(likeness)
    assert np.flatnonzero(found[0]).tolist() == list(range(100 - duplicates.MOST_ALIKE, 100))


def test_a_result_is_kept_until_the_images_are_others(drawn):
    assert duplicates.known(written("kept", train=drawn["train"][:20])) is None
    result = duplicates.check("kept")
    assert duplicates.known("kept") == result
    catalog.remove("kept")
    written("kept", train=drawn["train"][20:40])
    (store.folder_of("kept") / duplicates.RECORD).write_text(result.model_dump_json())
    assert duplicates.known("kept") is None
    (store.folder_of("kept") / duplicates.RECORD).write_text("{")
    assert duplicates.known("kept") is None


def test_a_set_that_is_not_there_is_refused():
    with pytest.raises(DataError, match="There is no data set"):
        duplicates.check("nowhere")


def test_the_job_does_the_same_in_the_background(drawn):
    written("pets", train=np.concatenate([drawn["train"][:20], drawn["train"][:1]]))
    data_jobs.start_duplicates("pets")
    deadline = time.monotonic() + 60
    while jobs.is_running(data_jobs.duplicates_job("pets")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    job = jobs.status(data_jobs.duplicates_job("pets"))
    assert (job.state, job.message) == ("finished", "1 pair of images found")
    assert found_pairs(duplicates.known("pets")) == {(("train", 0), ("train", 20))}


def test_leaked_photographs_are_found_to_the_last_one(real_data):
    """Lossless photographs against their JPEG: the real thing, in small."""
    path = real_data("cifar-10-python*.tar.gz", "the official archive, https://www.cs.toronto.edu/~kriz/cifar.html")
    with tarfile.open(path) as archive:
        batches = [
            cifar10.parse(archive.extractfile(f"cifar-10-batches-py/{name}").read())[0] for name in cifar10.BATCHES
        ]
    train, test = np.concatenate(batches[:5])[:5000], batches[5][:100]
    before = found_pairs(duplicates.check(written("clean", train=train, test=test)))
    planted = np.concatenate([train, np.stack([jpeg(pixels) for pixels in test[::2]])])
    new = found_pairs(duplicates.check(written("leaky", train=planted, test=test))) - before
    assert new == {(("train", len(train) + place), ("test", 2 * place)) for place in range(50)}
