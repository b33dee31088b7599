import io

import numpy as np
import pytest
import torch
from PIL import Image

from vit.data import catalog, cifar10, facts, load, shapes, store
from vit.data.importing import import_as
from vit.training.batches import channel_statistics


def test_mean_and_std_are_those_that_training_computes(folder, class_files):
    import_as("pets", folder(class_files))
    mean, std = channel_statistics(load.load("pets", 8).train.images)
    measured = facts.channel_statistics("pets")
    # training rounds to float32, which has seven digits
    assert np.allclose(measured, torch.stack([mean, std]).tolist(), rtol=1e-6)


def test_the_colors_of_drawn_images_are_nearly_those_of_more_of_them():
    mean, std = facts.channel_statistics("shapes")
    others = shapes.render(np.arange(2000, 4000), 32)[0] / 255
    assert np.allclose(mean, others.mean((0, 2, 3)), atol=0.01)  # twice the standard error of 1,000 mean colors
    assert np.allclose(std, others.std((0, 2, 3)), atol=0.01)


def test_classes_are_counted_in_each_split(folder, class_files, image):
    files = {f"train/{name}": data for name, data in class_files.items()} | {"train/dog/more.png": image(7)}
    import_as("pets", folder(files | {"test/cat/a.png": image(8), "test/dog/b.png": image(9)}))
    assert catalog.class_counts("pets") == {"cat": 3, "dog": 4}
    assert catalog.class_counts("pets", "test") == {"cat": 1, "dog": 1}
    assert catalog.class_counts("shapes", "test") == dict.fromkeys(catalog.SHAPES.classes, 200)


def photo(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def test_sizes_are_those_of_the_original_files(folder):
    sizes = [(10, 10), (30, 20), (20, 30), (300, 200), (50, 40), (50, 40)]
    files = {f"{'cat' if place % 2 else 'dog'}/{place}.png": photo(*size) for place, size in enumerate(sizes)}
    import_as("pets", folder(files), 32)
    sizes = catalog.describe("pets").sizes
    assert (sizes.smallest, sizes.median, sizes.largest) == ((10, 10), (30, 20), (300, 200))
    assert sizes.num_distinct == 5
    assert sizes.num_enlarged == 3  # those with a side below 32


def test_sizes_are_counted_once_where_the_import_starts_over(folder, class_files):
    many = {f"cat/{place:03}.png": photo(9, 9) for place in range(200)}
    import_as("pets", folder({**class_files, **many}))
    assert catalog.describe("pets").sizes == store.Sizes((8, 8), (9, 9), (9, 9), 2, 206)


def test_a_set_from_before_sizes_were_recorded_is_read(folder, class_files):
    info = import_as("pets", folder(class_files))
    path = store.folder_of("pets") / store.INFO
    record = path.read_text()
    start = record.index('"sizes"')
    path.write_text(record[:start] + record[record.index('"problem"') :])
    assert catalog.describe("pets").sizes is None
    assert catalog.describe("pets").fingerprint == info.fingerprint


@pytest.mark.parametrize(("counts", "words"), [({"train": 50_000, "test": 10_000}, "Krizhevsky"), ({"train": 6}, None)])
def test_cifar10_is_cited_under_any_name_and_other_sets_are_not_taken_for_it(counts, words):
    found = facts.origin(store.DatasetInfo("mine", "imported", cifar10.CLASSES, counts, 32, ""))
    assert found is None if words is None else words in found.citation
