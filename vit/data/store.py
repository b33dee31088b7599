"""The stored form of a data set: a folder with ``dataset.json`` and ``images.safetensors``. No torch.

A folder under its final name is complete: it is built beside it, under a lock, and renamed. The fingerprint is the
SHA-256 of classes, labels and pixels; a data set with the same fingerprint is the same data set.
"""

import hashlib
import json
import os
import shutil
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open

from vit import files, paths
from vit.errors import DataError

SCHEMA_VERSION = 1
SPLITS = ("train", "test")
INFO, IMAGES = "dataset.json", "images.safetensors"
RESERVED = ("shapes",)
MAX_BROKEN_LISTED = 100
BLOCK = 1 << 22  # bytes
CHUNK = 16 << 20  # bytes of images that are looked at together


@dataclass(frozen=True)
class Sizes:
    """How large images were before they were scaled, each as (width, height) in pixels."""

    smallest: tuple[int, int]  # by their number of pixels
    median: tuple[int, int]
    largest: tuple[int, int]
    num_distinct: int
    num_enlarged: int  # images with a side below that of the stored ones


@dataclass(frozen=True)
class DatasetInfo:
    """What is known about a data set without reading its images."""

    name: str  # what ``load`` calls it
    kind: str  # "generated", "imported", or "path" for one that was not imported
    classes: tuple[str, ...]  # names, in the order of the labels
    counts: dict[str, int]  # images per split
    image_size: int | None  # side of the stored images in pixels; None where it is free
    fingerprint: str  # SHA-256 of the content; empty where it isn't known yet
    num_broken: int = 0  # images that could not be read
    broken: tuple[tuple[str, str], ...] = ()  # the first of them, (file, reason)
    description: str = ""  # where it came from, one sentence
    created: float = 0.0  # when it was imported, Unix time in seconds; 0 where it wasn't
    sizes: Sizes | None = None  # of the original images; None where nobody has looked
    problem: str | None = None  # why it can't be used


_SIZES = TypeAdapter(Sizes | None)


class Writer:
    """Collects images on disk, so that memory doesn't limit the size of a data set."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.clear()

    def clear(self) -> None:
        """Forget everything appended so far."""
        self._labels: dict[str, list[np.ndarray]] = {}
        self.shapes: set[tuple[int, ...]] = set()  # of single images; must stay one
        self.sizes: Counter[tuple[int, int]] = Counter()  # (width, height) of the originals
        for raw in self._folder.glob("*.raw"):
            raw.unlink()

    def append(self, split: str, images: np.ndarray, labels: np.ndarray) -> None:
        """Add images, uint8 (n, 3, S, S), with their labels (n,)."""
        self.shapes.add(images.shape[1:])
        with open(self._folder / f"{split}.raw", "ab") as raw:
            raw.write(np.ascontiguousarray(images).data)
        self._labels.setdefault(split, []).append(np.asarray(labels, np.int64))

    def finish(self, info: DatasetInfo) -> DatasetInfo:
        """Write both files; returns ``info`` with counts, size and fingerprint filled in."""
        (shape,) = self.shapes
        sizes = _summary(self.sizes, shape[-1]) if self.sizes else None
        labels = {split: np.concatenate(self._labels[split]) for split in SPLITS if split in self._labels}
        digest = _digest(info.classes)
        with files.replacing(self._folder / IMAGES) as temporary, open(temporary, "wb") as out:
            out.write(_header({split: len(values) for split, values in labels.items()}, shape))
            for split, values in labels.items():
                with open(self._folder / f"{split}.raw", "rb") as raw:
                    for block in chain([values.tobytes()], iter(partial(raw.read, BLOCK), b"")):
                        out.write(block)
                        digest.update(block)
        self.clear()
        counts = {split: len(values) for split, values in labels.items()}
        return replace(info, counts=counts, image_size=shape[-1], fingerprint=digest.hexdigest(), sizes=sizes)


@contextmanager
def creating(target: Path, wait: bool = False) -> Iterator[Path]:
    """Yield an empty folder beside ``target`` that only this process fills; what was left by a dead one is removed.

    Args:
        target: Where ``publish`` will put it.
        wait: Whether to wait for another process that is creating the same, or to refuse.

    Raises:
        DataError: If another process is creating it and ``wait`` is False.
    """
    files.make_folder(target.parent)
    lock = FileLock(target.parent / f".{target.name}.lock")
    staging = target.parent / f".{target.name}.part"
    try:
        with lock.acquire(timeout=-1 if wait else 0):
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir(mode=files.PRIVATE)
            try:
                yield staging
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    except Timeout as error:
        raise DataError(f"{target.name} is being imported already: wait until that has finished.") from error


def publish(staging: Path, target: Path, info: DatasetInfo) -> DatasetInfo:
    """Describe a filled ``staging`` and give it its name.

    Raises:
        DataError: If there is other content under that name; the same content is simply kept.
    """
    record = {"schema_version": SCHEMA_VERSION, **asdict(info), "created": time.time()}
    record["broken"] = record["broken"][:MAX_BROKEN_LISTED]
    files.write_json(staging / INFO, record)
    if target.exists():
        if read_info(target).fingerprint == info.fingerprint:
            return info
        raise DataError(
            f"There is another data set called {target.name} already: choose a different name, or remove it with "
            f"'python -m vit data remove {target.name}'."
        )
    os.replace(staging, target)
    return info


def read_info(folder: Path) -> DatasetInfo:
    """Read ``dataset.json``.

    Raises:
        DataError: If it is missing, damaged or from a newer version.
    """
    try:
        record = json.loads((folder / INFO).read_text(encoding="utf-8"))
        version = record.pop("schema_version")
        if version != SCHEMA_VERSION:
            raise DataError(
                f"Data set {folder.name} has format {version}, this program reads {SCHEMA_VERSION}: update it."
            )
        record["broken"] = tuple(tuple(pair) for pair in record["broken"])
        sizes = _SIZES.validate_python(record.pop("sizes", None))
        return DatasetInfo(**{**record, "classes": tuple(record["classes"]), "sizes": sizes})
    except (
        OSError,
        UnicodeDecodeError,
        json.JSONDecodeError,
        KeyError,
        TypeError,
        AttributeError,
        ValidationError,
    ) as error:
        raise DataError(f"Data set {folder.name} can't be read ({error}): remove it and import it again.") from error


@contextmanager
def arrays(folder: Path) -> Iterator[safe_open]:
    """Open the images for lazy reading: ``get_slice("train_images")[3:5]``.

    Raises:
        DataError: If the file is missing or damaged.
    """
    try:
        with safe_open(folder / IMAGES, framework="numpy") as stored:
            yield stored
    except (OSError, SafetensorError) as error:
        raise DataError(f"The images of {folder.name} can't be read ({error}): remove and import it again.") from error


def chunks(images) -> Iterator[np.ndarray]:
    """All images of a slice of ``arrays``, uint8 (n, 3, S, S) at a time, in order."""
    count, *shape = images.get_shape()
    step = max(1, CHUNK // int(np.prod(shape)))
    for start in range(0, count, step):
        yield images[start : min(start + step, count)]


def fingerprint(classes: tuple[str, ...], splits: dict[str, tuple[np.ndarray, np.ndarray]]) -> str:
    """SHA-256 of a data set's content; ``splits`` maps split to (images, labels)."""
    digest = _digest(classes)
    for split in SPLITS:
        if split in splits:
            images, labels = splits[split]
            digest.update(np.ascontiguousarray(labels).data)
            digest.update(np.ascontiguousarray(images).data)
    return digest.hexdigest()


def check_name(name: str) -> str:
    """Return ``name`` if a data set may be called so.

    Raises:
        DataError: If not.
    """
    if name in RESERVED:
        raise DataError(f"The name {name!r} belongs to a built-in data set: choose another one.")
    if not paths.NAME.fullmatch(name):
        raise DataError(
            f"{name[:80]!r} can't be a data set's name: use 1 to 64 lower-case letters, digits, dots, underscores or "
            "hyphens, starting with a letter or digit and not ending with a dot."
        )
    return name


def folder_of(name: str) -> Path:
    """Where the data set ``name`` is stored, whether it exists or not."""
    return paths.data_root() / check_name(name)


def _summary(counted: Counter[tuple[int, int]], side: int) -> Sizes:
    ordered = sorted(counted, key=lambda size: (size[0] * size[1], size))
    middle = np.searchsorted(np.cumsum([counted[size] for size in ordered]), counted.total() / 2)
    enlarged = sum(count for size, count in counted.items() if min(size) < side)
    return Sizes(ordered[0], ordered[int(middle)], ordered[-1], len(ordered), enlarged)


def _digest(classes: tuple[str, ...]):
    return hashlib.sha256(json.dumps(list(classes)).encode())


def _header(counts: dict[str, int], shape: tuple[int, ...]) -> bytes:
    """The head of a safetensors file (https://github.com/huggingface/safetensors#format), labels before images."""
    header, offset = {}, 0
    for split, count in counts.items():
        for key, dtype, dims, width in (("labels", "I64", (), 8), ("images", "U8", shape, int(np.prod(shape)))):
            end = offset + count * width
            header[f"{split}_{key}"] = {"dtype": dtype, "shape": [count, *dims], "data_offsets": [offset, end]}
            offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text
