"""What can be said of a data set: its classes in numbers, its colors as measured, its license and how to cite it."""

from dataclasses import dataclass

import numpy as np

from vit.data import catalog, shapes, store
from vit.data.store import DatasetInfo
from vit.expectation import is_cifar10

SHAPES_MEASURED = 1000  # all of them take seconds to draw, and have the same mean within 0.01


@dataclass(frozen=True)
class Origin:
    """Where a data set comes from."""

    license: str
    citation: str
    address: str  # of its page; empty where there is none


CIFAR10 = Origin(
    "No formal license is given. The authors ask everybody who uses it to cite their technical report.",
    "A. Krizhevsky. Learning Multiple Layers of Features from Tiny Images. Technical report, University of Toronto, "
    "2009.",
    "https://www.cs.toronto.edu/~kriz/cifar.html",
)
SHAPES = Origin("MIT, as a part of this project.", "ViT Lab's shapes, version {version}, seed {seed}.", "")


def origin(info: DatasetInfo) -> Origin | None:
    """License and citation, where they are known."""
    if info.kind == "generated":
        citation = SHAPES.citation.format(version=shapes.VERSION, seed=shapes.SEED)
        return Origin(SHAPES.license, citation, SHAPES.address)
    return CIFAR10 if is_cifar10(info) else None


def num_measured(info: DatasetInfo) -> int:
    """How many training images ``channel_statistics`` looks at: all, or as many as are drawn in a moment."""
    return SHAPES_MEASURED if info.kind == "generated" else info.counts["train"]


def channel_statistics(source: str) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of red, green and blue over ``num_measured`` training images, on the scale 0..1.

    Raises:
        DataError: If there is no such data set, or its files are missing or damaged.
    """
    count, total, squares = 0, np.zeros(3), np.zeros(3)
    for pixels in _chunks(source):
        count += pixels.size // 3
        total += pixels.sum((0, 2, 3), dtype=np.uint64)
        squares += np.square(pixels, dtype=np.uint16).sum((0, 2, 3), dtype=np.uint64)
    mean = total / count
    return (mean / 255).tolist(), (np.sqrt(squares / count - mean**2) / 255).tolist()


def _chunks(source: str):
    """Training images, uint8 (n, 3, S, S) at a time."""
    if source == "shapes":
        yield shapes.render(np.arange(SHAPES_MEASURED), catalog.SHAPES_SIZE)[0]
        return
    with store.arrays(catalog.locate(source)) as stored:
        yield from store.chunks(stored.get_slice("train_images"))
