"""Looking through a data set page by page, by split and class: only labels and places, so that it is fast."""

import numpy as np

from vit.data.store import DatasetInfo

PER_PAGE = 60


def places(of: np.ndarray, label: int | None) -> np.ndarray:
    """Which images of a split have ``label``, in their order; all of them where it is None."""
    return np.arange(len(of)) if label is None else np.flatnonzero(of == label)


def num_pages(count: int) -> int:
    """How many pages ``count`` images fill; an empty one is a page, too."""
    return max(1, -(-count // PER_PAGE))


def on_page(found: np.ndarray, page: int) -> list[int]:
    """Those of ``places`` that are on a page, which counts from 1."""
    return found[(page - 1) * PER_PAGE : page * PER_PAGE].tolist()


def page_of(found: np.ndarray, index: int) -> int:
    """The page on which an image is; 1 if it is not among ``places``."""
    return int(np.searchsorted(found, index)) // PER_PAGE + 1 if index in found else 1


def index_of(info: DatasetInfo, split: str, image_id: str) -> int | None:
    """The place in ``split`` of an image called like ``cifar10:train:12``; None if it is not one of this split."""
    name, _, index = image_id.partition(f":{split}:")
    is_there = name == info.name and index.isdecimal() and int(index) < info.counts[split]
    return int(index) if is_there else None
