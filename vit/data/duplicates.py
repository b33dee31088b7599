"""The same picture twice in a data set, within a split or, which spoils every accuracy, across them.

Equal pixels are found by their hash. The same picture at another quality is found in two steps. The forms of all
images, small gray versions without their coarse light and dark, are compared by matrix products; where two are
alike, the difference of the pixels decides. Both limits are those at which JPEG of quality 50 still counts as the same
picture and other pictures of the same sky don't (``bench/leak.py``).
"""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import Field, ValidationError

from vit import files
from vit.data import catalog, store
from vit.data.importing import Progress
from vit.errors import DataError
from vit.runs.directory import Count, Record, Share, Time

RECORD = "duplicates.json"
FINE, COARSE = 16, 4  # fields per side of the grids on which the form is seen, and of what is taken off
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SIMILAR = 0.9  # cosine of two forms from which on the pixels are compared
DIFFERENT = 0.5  # root mean square difference of the pixels, as a share of their own spread, from which on two differ
MOST_ALIKE = 20  # images that one image is compared with, pixel by pixel, at most
MAX_PAIRS = 5000  # that are kept
ROWS, CONFIRMED = 256, 1000  # pairs of forms, and of images, that are compared at a time


class Pair(Record):
    """Two images that show the same; of equal ones, ``first`` is the first in the data set."""

    first: tuple[str, Count]  # split, place in it
    second: tuple[str, Count]
    difference: Share = Field(description="0 where the pixels are equal")


class Duplicates(Record):
    """What was found in a data set."""

    fingerprint: str  # of the data set
    checked: Time
    num_equal: Count  # pairs of equal pixels
    num_near: Count  # pairs that are nearly equal
    num_leaked: Count  # test images that are in train, too
    pairs: tuple[Pair, ...]  # those across splits first, then by difference; at most ``MAX_PAIRS``


@dataclass(frozen=True)
class _Images:
    """All images of a data set behind each other: training images first."""

    sizes: dict[str, int]  # images per split
    slices: dict  # split to what reads from the file

    def chunks(self) -> Iterator[np.ndarray]:
        """uint8 (n, 3, S, S) at a time, in order."""
        for part in self.slices.values():
            yield from store.chunks(part)

    def place(self, index: int) -> tuple[str, int]:
        """Split, and place in it."""
        for split, count in self.sizes.items():
            if index < count:
                return split, index
            index -= count
        raise IndexError(index)

    def read(self, index: int) -> np.ndarray:
        """uint8 (3, S, S)."""
        split, at = self.place(index)
        return self.slices[split][at : at + 1][0]


def known(name: str) -> Duplicates | None:
    """What an earlier check found in an imported data set; None if there was none, or the images have changed."""
    folder = store.folder_of(name)
    try:
        found = Duplicates.model_validate_json((folder / RECORD).read_bytes())
        return found if found.fingerprint == store.read_info(folder).fingerprint else None
    except (OSError, ValidationError, DataError):
        return None


def check(name: str, progress: Progress | None = None) -> Duplicates:
    """Look for duplicates in an imported data set, and keep what is found beside its images.

    Raises:
        DataError: If there is no such data set, or it is damaged.
    """
    folder = catalog.locate(name)
    info = store.read_info(folder)
    with store.arrays(folder) as stored:
        slices = {split: stored.get_slice(f"{split}_images") for split in info.counts}
        found = _search(_Images(info.counts, slices), info.fingerprint, progress or (lambda *_: None))
    files.write_json(folder / RECORD, found.model_dump(mode="json"))
    return found


def _search(images: _Images, fingerprint: str, progress: Progress) -> Duplicates:
    hashes, form = _looked_at(images, progress)
    _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    copies = np.flatnonzero(first[group] != np.arange(len(group)))
    equal = [(int(first[group[copy]]), int(copy), 0.0) for copy in copies]
    near = list(_near(images, np.sort(first), form, progress))
    return _record(images, fingerprint, equal, near)


def _looked_at(images: _Images, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """A hash of the pixels, (n,), and the form of every image, float32 (n, D)."""
    total = sum(images.sizes.values())
    hashes, found = [], []
    for pixels in images.chunks():
        hashes += [hashlib.blake2b(image.data, digest_size=16).digest() for image in np.ascontiguousarray(pixels)]
        found.append(forms(pixels))
        progress(len(hashes), total, "reading images")
    return np.array(hashes), np.concatenate(found)


def forms(pixels: np.ndarray) -> np.ndarray:
    """What is to be seen in images, whatever their light: uint8 (n, 3, S, S) become float32 (n, D) of length 1 or 0."""
    gray = np.tensordot(pixels.astype(np.float32), LUMA, (1, 0))
    fields = min(FINE, gray.shape[-1] // COARSE * COARSE)
    fine = _averages(gray, fields)
    coarse = np.repeat(np.repeat(_averages(fine, COARSE), fields // COARSE, 1), fields // COARSE, 2)
    flat = (fine - coarse).reshape(len(pixels), -1)
    return flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1)


def _averages(gray: np.ndarray, fields: int) -> np.ndarray:
    """Means over a grid of ``fields`` x ``fields``, from (n, S, S)."""
    edges = np.linspace(0, gray.shape[-1], fields, endpoint=False).astype(int)
    sizes = np.diff(edges, append=gray.shape[-1])
    sums = np.add.reduceat(np.add.reduceat(gray, edges, axis=1), edges, axis=2)
    return sums / (sizes[:, None] * sizes)


def _near(images: _Images, order: np.ndarray, form: np.ndarray, progress: Progress) -> Iterator[tuple]:
    """Pairs (first, second, difference) of images that are nearly equal, among those of ``order``, which differ."""
    form, n = form[order], len(order)
    for start in range(0, n, ROWS):
        likeness = form[start : start + ROWS] @ form[start:].T
        row, column = np.nonzero(_candidates(likeness))
        for part in range(0, len(row), CONFIRMED):
            pairs = order[start + row[part : part + CONFIRMED]], order[start + column[part : part + CONFIRMED]]
            difference = _differences(images, *pairs)
            compared = zip(pairs[0].tolist(), pairs[1].tolist(), difference.tolist(), strict=True)
            yield from (pair for pair in compared if pair[2] < DIFFERENT)
        done = 1 - (1 - min(1, (start + ROWS) / n)) ** 2  # later rows have fewer images left to be compared with
        progress(round(done * n), n, "comparing images")


def _candidates(likeness: np.ndarray) -> np.ndarray:
    """Which pairs are worth a second look, bool (rows, n), each once and no image with itself."""
    found = np.triu(likeness > SIMILAR, 1)
    for row in np.flatnonzero(found.sum(1) > MOST_ALIKE):
        found[row] &= likeness[row] >= np.sort(likeness[row, found[row]])[-MOST_ALIKE]
    return found


def _differences(images: _Images, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Root mean square difference of the pixels as a share of the smaller of both images' spreads, float32 (n,)."""
    needed, places = np.unique(np.concatenate([first, second]), return_inverse=True)
    pixels = np.stack([images.read(int(index)).ravel() for index in needed]).astype(np.float32)
    spread = pixels.std(1)
    one, other = places[: len(first)], places[len(first) :]
    distance = np.sqrt(np.square(pixels[one] - pixels[other]).mean(1))
    return distance / np.maximum(np.minimum(spread[one], spread[other]), 1)


def _record(images: _Images, fingerprint: str, equal: list[tuple], near: list[tuple]) -> Duplicates:
    found = [
        Pair(first=images.place(one), second=images.place(other), difference=difference)
        for one, other, difference in [*equal, *near]
    ]
    found.sort(key=lambda pair: (pair.first[0] == pair.second[0], pair.difference, pair.first[1]))
    return Duplicates(
        fingerprint=fingerprint,
        checked=time.time(),
        num_equal=len(equal),
        num_near=len(near),
        num_leaked=_leaked(images.sizes, [*equal, *near]),
        pairs=tuple(found[:MAX_PAIRS]),
    )


def _leaked(sizes: dict[str, int], pairs: list[tuple]) -> int:
    """How many test images show what a training image shows, be it by way of another test image."""
    from scipy.sparse import coo_array  # half a second, which no other command should pay for
    from scipy.sparse.csgraph import connected_components

    total, train = sum(sizes.values()), sizes["train"]
    one, other = (np.array([pair[side] for pair in pairs], int) for side in (0, 1))
    graph = coo_array((np.ones(len(pairs)), (one, other)), (total, total))
    group = connected_components(graph, directed=False)[1]
    return int(np.isin(group[train:], group[:train]).sum())
