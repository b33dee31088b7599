import numpy as np
import pytest

from vit.data import browsing, catalog
from vit.data.importing import import_as
from vit.errors import DataError


def test_every_image_of_a_class_is_on_exactly_one_page():
    labels = np.random.default_rng(0).integers(0, 3, 500)
    for label in (None, 0, 1, 2):
        found = browsing.places(labels, label)
        pages = [browsing.on_page(found, page) for page in range(1, browsing.num_pages(len(found)) + 1)]
        assert all(0 < len(page) <= browsing.PER_PAGE for page in pages)
        shown = [index for page in pages for index in page]
        assert shown == [index for index, own in enumerate(labels) if label in (None, own)]


def test_a_split_without_images_of_a_class_has_one_empty_page():
    assert browsing.num_pages(0) == 1
    assert browsing.on_page(browsing.places(np.zeros(5, int), 1), 1) == []


def test_an_image_is_on_the_page_that_is_said_to_show_it():
    found = browsing.places(np.arange(1000) % 3, 2)
    for index in found[[0, 59, 60, 300, -1]]:
        assert index in browsing.on_page(found, browsing.page_of(found, int(index)))
    assert browsing.page_of(found, 0) == 1  # of another class


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_labels_of_a_split_are_those_of_its_images(folder, class_files, split):
    import_as(
        "pets", folder({f"{part}/{name}": data for part in ("train", "test") for name, data in class_files.items()})
    )
    for source in ("pets", "shapes"):
        labels = catalog.labels_of(source, split)
        assert len(labels) == catalog.describe(source).counts[split]
        shown = catalog.load_images(source, split, [0, 2, 5])
        assert [sample.label for sample in shown] == labels[[0, 2, 5]].tolist()


def test_labels_of_a_set_that_is_not_there_are_refused():
    with pytest.raises(DataError, match="There is no data set"):
        catalog.labels_of("nowhere", "train")
