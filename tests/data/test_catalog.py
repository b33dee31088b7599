import json
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image

from vit import images, paths
from vit.data import catalog, store
from vit.data.importing import import_as
from vit.data.load import load
from vit.errors import DataError


@pytest.fixture
def pets(folder, class_files):
    files = {f"{split}/{name}": content for split in ("train", "test") for name, content in class_files.items()}
    return import_as("pets", folder(files))


def test_shapes_come_first_and_imports_by_name(pets, folder, class_files):
    import_as("ants", folder(class_files))
    assert [info.name for info in catalog.list_datasets()] == ["shapes", "ants", "pets"]
    assert catalog.describe("pets") == store.read_info(paths.data_root() / "pets")
    assert catalog.describe("pets").fingerprint == pets.fingerprint
    assert catalog.describe("shapes").counts == {"train": 12_000, "test": 2_000}


def test_a_damaged_set_is_listed_with_its_problem_and_the_others_stay(pets):
    (paths.data_root() / "pets" / "dataset.json").write_text('{"half')
    shapes, damaged = catalog.list_datasets()
    assert shapes.problem is None
    assert "remove it and import it again" in damaged.problem


def test_a_set_from_the_future_says_so(pets):
    path = paths.data_root() / "pets" / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 2}))
    with pytest.raises(DataError, match="has format 2, this program reads 1"):
        load("pets", 8)


@pytest.mark.parametrize("name", ["", "Pets", "a b", "../up", "-x", ".hidden", "x" * 65, "ä"])
def test_bad_names_are_refused(folder, class_files, name):
    with pytest.raises(DataError, match="can't be a data set's name"):
        import_as(name, folder(class_files))


def test_the_name_of_the_built_in_set_is_taken(folder, class_files):
    with pytest.raises(DataError, match="belongs to a built-in data set"):
        import_as("shapes", folder(class_files))


def test_importing_the_same_again_changes_nothing_and_other_content_is_refused(folder, class_files, image):
    first = import_as("pets", folder(class_files, "a"))
    before = (paths.data_root() / "pets" / "dataset.json").read_bytes()
    assert import_as("pets", folder(class_files, "b")).fingerprint == first.fingerprint
    with pytest.raises(DataError, match="another data set called pets already: choose a different name, or remove"):
        import_as("pets", folder({**class_files, "cat/new.png": image(9)}, "c"))
    assert (paths.data_root() / "pets" / "dataset.json").read_bytes() == before


def test_a_removed_set_is_gone_and_unknown_names_say_what_there_is(pets):
    catalog.remove("pets")
    assert [info.name for info in catalog.list_datasets()] == ["shapes"]
    for act in (catalog.describe, catalog.remove, lambda name: load(name, 8), catalog.samples):
        with pytest.raises(DataError, match=r"'pets': there are shapes.*data fetch cifar10.*data import"):
            act("pets")


def test_removing_never_reaches_outside(tmp_path):
    (tmp_path / "victim").mkdir()
    for name in ("../../victim", str(tmp_path / "victim"), ".", ".."):
        with pytest.raises(DataError):
            catalog.remove(name)
    assert (tmp_path / "victim").exists()


def test_samples_are_drawn_without_repetition_and_by_seed(pets):
    drawn = catalog.samples("pets", "test", 6, seed=1)
    assert sorted(sample.index for sample in drawn) == list(range(6))
    assert [s.index for s in catalog.samples("pets", "train", 6, 2)] != [s.index for s in drawn]
    assert all(sample.class_name == pets.classes[sample.label] for sample in drawn)
    assert len(catalog.samples("pets", "test", 100)) == 6


def test_samples_come_at_any_size():
    small, large = (catalog.samples("shapes", "test", 3, 0, size) for size in (None, 80))
    assert [sample.index for sample in small] == [sample.index for sample in large]
    assert small[0].image.size == (32, 32)
    assert large[0].image.size == (80, 80)


def test_images_that_do_not_exist_are_refused(pets):
    for split, index in (("train", 6), ("train", -1), ("val", 0)):
        with pytest.raises(DataError, match="pets has"):
            catalog.load_images("pets", split, [index])


def test_looking_needs_no_torch_and_no_time(pets):
    code = (
        "import sys, time; from vit import jobs; from vit.data import catalog; start = time.perf_counter();"
        "catalog.samples('pets'); catalog.list_datasets(); jobs.active();"
        "assert time.perf_counter() - start < 0.5; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=paths.PROJECT)


def test_loading_gives_the_stored_pixels(pets):
    dataset = load("pets", 8)
    assert dataset.classes == ("cat", "dog")
    assert dataset.fingerprint == pets.fingerprint
    assert dataset.test.labels.tolist() == [0, 0, 0, 1, 1, 1]
    for sample in catalog.load_images("pets", "test", [0, 5]):
        assert np.array_equal(dataset.test.images[sample.index], images.to_array(sample.image))


def test_a_set_without_test_images_has_no_test_split(folder, class_files):
    import_as("pets", folder(class_files))
    assert load("pets", 8).test is None


@pytest.mark.parametrize("size", [5, 16])
def test_loading_at_another_size_agrees_with_fitting_a_image(pets, size):
    dataset = load("pets", size)
    assert dataset.train.images.dtype == torch.uint8
    sample = catalog.load_images("pets", "train", [2])[0].image
    expected = images.to_array(images.fit(sample, size)).astype(int)
    assert abs(dataset.train.images[2].numpy().astype(int) - expected).max() <= 2


def test_one_flipped_bit_is_noticed(pets):
    path = paths.data_root() / "pets" / "images.safetensors"
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="have changed since they were imported"):
        load("pets", 8)


@pytest.mark.parametrize("damage", [lambda content: content[:50], lambda content: b"", lambda content: content[:-5]])
def test_damaged_images_are_refused(pets, damage):
    path = paths.data_root() / "pets" / "images.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match="remove and import it again"):
        load("pets", 8)
    with pytest.raises(DataError, match="remove and import it again"):
        catalog.samples("pets")


def test_a_killed_import_leaves_nothing_that_counts(folder, class_files, image):
    path = folder({**class_files, **{f"cat/n{i}.png": image(i) for i in range(300)}})
    code = (
        "import os, signal; from vit.data.importing import import_as\n"
        f"import_as('pets', __import__('pathlib').Path({str(path)!r}),"
        " progress=lambda done, *_: done > 100 and os.kill(os.getpid(), signal.SIGKILL))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=paths.PROJECT, check=False).returncode == -9
    assert [info.name for info in catalog.list_datasets()] == ["shapes"]
    assert import_as("pets", path).counts == {"train": 306}
    assert not list(paths.data_root().glob(".*.part"))


def test_of_two_imports_at_once_one_is_refused(folder, class_files):
    path, inside, go_on = folder(class_files), threading.Event(), threading.Event()

    def slow(*_):
        inside.set()
        go_on.wait(10)

    first = threading.Thread(target=import_as, args=("pets", path), kwargs={"progress": slow})
    first.start()
    inside.wait(10)
    with pytest.raises(DataError, match="is being imported already"):
        import_as("pets", path)
    go_on.set()
    first.join()
    assert catalog.describe("pets").counts == {"train": 6}


def test_a_path_is_prepared_once_and_again_when_it_changes(folder, class_files, image):
    path, calls = folder(class_files), []
    first = load(str(path), 8, lambda *report: calls.append(report))
    assert calls
    calls.clear()
    again = load(str(path), 8, lambda *report: calls.append(report))
    assert not calls
    assert again.fingerprint == first.fingerprint
    time.sleep(0.01)
    folder({"cat/one-more.png": image(50)})
    larger = load(str(path), 8)
    assert len(larger.train.labels) == 7
    folder({"cat/one-more.png": image(51)})
    assert load(str(path), 8).fingerprint != larger.fingerprint
    assert len([entry for entry in (paths.data_root() / ".cache").iterdir() if entry.is_dir()]) == 1


def test_a_path_can_be_described_resolved_and_looked_at(folder, class_files):
    path = folder({**class_files, "cat/broken.png": b"no"})
    before = catalog.describe(str(path))
    assert (before.kind, before.classes, before.counts) == ("path", ("cat", "dog"), {"train": 7})
    resolved = catalog.resolve(str(path), 8)
    assert resolved.name == str(path.resolve())
    assert resolved.counts == {"train": 6}
    assert catalog.describe(str(path)) == resolved
    assert catalog.samples(str(path), "train", 2)[0].class_name in ("cat", "dog")


def test_a_data_set_goes_before_a_folder_of_the_same_name(pets, folder, class_files, tmp_path, monkeypatch):
    folder(class_files, "pets")
    monkeypatch.chdir(tmp_path)
    assert catalog.describe("pets").kind == "imported"
    catalog.remove("pets")
    assert catalog.describe("pets").kind == "path"


def test_large_models_get_a_preparation_of_their_own(folder, image):
    files = {f"{name}/{i}.png": image(i, 300, 300) for i in range(2) for name in ("cat", "dog")}
    path = folder(files)
    assert load(str(path), 200).train.images.shape == (4, 3, 200, 200)
    assert store.read_info(catalog.prepared_place(path, 200)).image_size == 200
    assert load(str(path), 64).train.images.shape == (4, 3, 64, 64)


def test_the_stored_file_is_plain_safetensors(pets):
    from safetensors.numpy import load_file

    stored = load_file(paths.data_root() / "pets" / "images.safetensors")
    assert {key: (str(a.dtype), a.shape) for key, a in stored.items()} == {
        "train_images": ("uint8", (6, 3, 8, 8)),
        "train_labels": ("int64", (6,)),
        "test_images": ("uint8", (6, 3, 8, 8)),
        "test_labels": ("int64", (6,)),
    }
    assert Image.fromarray(stored["train_images"][0].transpose(1, 2, 0)).size == (8, 8)
