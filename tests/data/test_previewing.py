"""Classes are renamed, merged and dropped at the import; a preview tells the same before."""

import pickle

import numpy as np
import pytest

from vit.data import catalog, cifar10, previewing
from vit.data.importing import import_as
from vit.errors import DataError


@pytest.fixture
def three(class_files, image) -> dict[str, bytes]:
    """Three cats and three dogs, two birds in train; a cat and a dog in test."""
    files = {f"train/{name}": data for name, data in class_files.items()}
    files |= {f"train/bird/{place}.png": image(50 + place) for place in range(2)}
    return files | {"test/cat/a.png": image(60), "test/dog/b.png": image(61)}


def test_renamed_classes_are_as_if_their_folders_had_been_renamed(folder, three):
    by_hand = {name.replace("dog", "ant").replace("bird", "cat/birds"): data for name, data in three.items()}
    expected = import_as("by-hand", folder(by_hand, "renamed"))
    info = import_as("asked", folder(three), renames={"dog": "ant", "bird": " cat "})
    assert info.classes == expected.classes == ("ant", "cat")
    for split in ("train", "test"):
        assert sorted(content("asked", split)) == sorted(content("by-hand", split))


def content(name: str, split: str) -> list[tuple]:
    count = catalog.describe(name).counts[split]
    found = catalog.load_images(name, split, list(range(count)))
    return [(sample.class_name, sample.image.tobytes()) for sample in found]


def test_a_dropped_class_is_as_if_its_folder_were_not_there(folder, three):
    without = {name: data for name, data in three.items() if "bird" not in name}
    expected = import_as("without", folder(without, "without"))
    assert import_as("dropped", folder(three), renames={"bird": None}).fingerprint == expected.fingerprint


@pytest.mark.parametrize(
    ("renames", "words"),
    [
        ({}, "no readable test images of bird: add some or drop the class"),
        ({"bird": None, "dog": "cat"}, "only the class 'cat'"),
        ({"bird": None, "dog": None, "cat": None}, "no class is left"),
        ({"fish": "cat"}, "There is no class 'fish': there are bird, cat, dog"),
        ({"bird": "  "}, "can't be called"),
        ({"bird": "x" * 201}, "use 1 to 200 characters"),
    ],
)
def test_what_can_not_be_imported_like_that_is_refused_by_preview_and_import_alike(folder, three, renames, words):
    path = folder(three)
    with pytest.raises(DataError, match=words):
        previewing.preview(path).after(renames)
    with pytest.raises(DataError, match=words):
        import_as("pets", path, renames=renames)


@pytest.mark.parametrize("renames", [{"bird": "cat"}, {"bird": None}, {"bird": None, "cat": "dog", "dog": "cat"}])
def test_a_preview_tells_what_the_import_gives(tar, three, renames, home):
    path = tar(three)
    expected = previewing.preview(path).after(renames)
    assert not home.exists()  # nothing is written
    info = import_as("pets", path, renames=renames)
    counted = {name: {} for name in info.classes}
    for split in info.counts:
        for label, count in enumerate(np.bincount(catalog.labels_of("pets", split)).tolist()):
            counted[info.classes[label]][split] = count
    assert counted == expected


def test_a_preview_shows_examples_and_names_what_is_left_out(zipped, three, image):
    strange = {"train/cat/0.gif": b"no pixels", "train/dog/notes.txt": b"text", "../evil.png": image(0)}
    found = previewing.preview(zipped({**strange, **three}))
    assert {one.name: len(one.examples) for one in found.classes} == {"bird": 2, "cat": 4, "dog": 4}
    assert all(example.size == (previewing.SIDE,) * 2 for one in found.classes for example in one.examples)
    assert {name for name, _ in found.left_out} == {"../evil.png", "train/dog/notes.txt"}


def test_examples_have_a_limit(zipped, class_files, monkeypatch):
    monkeypatch.setattr(previewing, "MAX_EXAMPLES", 4)
    assert sum(len(one.examples) for one in previewing.preview(zipped(class_files)).classes) == 4


def test_classes_of_cifar10_itself_are_renamed_too(folder):
    animals = dict.fromkeys(("bird", "cat", "deer", "dog", "frog", "horse"), "animal")
    renames = {**animals, "truck": None}
    pixels = np.random.default_rng(0).integers(0, 256, (20, 3072), np.uint8)
    batch = pickle.dumps({b"data": pixels, b"labels": [*range(10), *range(10)]}, protocol=2)
    path = folder({f"cifar-10-batches-py/{name}": batch for name in cifar10.BATCHES})
    expected = previewing.preview(path).after(renames)
    info = import_as("kinds", path, renames=renames)
    assert info.classes == tuple(expected) == ("airplane", "animal", "automobile", "ship")
    assert np.bincount(catalog.labels_of("kinds", "test")).tolist() == [2, 12, 2, 2]
    assert expected["animal"] == {"train": 60, "test": 12}
    first = catalog.load_images("kinds", "train", [2])[0]
    assert np.array_equal(np.asarray(first.image).transpose(2, 0, 1).ravel(), pixels[2])
    assert first.class_name == "animal"
