"""Turning a folder or archive of images into a stored data set. Broken images are counted and named."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from vit import images
from vit.data import archives, cifar10, layouts, store
from vit.data.layouts import Layout
from vit.data.store import DatasetInfo, Writer
from vit.errors import ImageError

Progress = Callable[[int, int, str], None]  # (done, total, message)
Named = tuple[str, str]  # (file, reason)
Renames = Mapping[str, str | None]  # see ``layouts.renamed``

DEFAULT_SIZE = 128  # pixels; also the largest side that is kept as it is
BATCH, BATCH_BYTES = 64, 64 << 20  # images decoded together, and their files, of which the last may be larger


class MixedSizesError(Exception):
    """Images turned out not to share one small square size."""


def import_as(
    name: str,
    path: Path,
    image_size: int = DEFAULT_SIZE,
    progress: Progress | None = None,
    renames: Renames | None = None,
) -> DatasetInfo:
    """Import a folder or archive under a name.

    Args:
        name: Of the data set.
        path: Class folders, an archive of them, or CIFAR-10 in its official layout.
        image_size: Side in pixels to store at, unless all images share one square size up to 128.
        progress: Told how far it is.
        renames: What some of the classes are to be called; None leaves one out, equal names make one of several.

    Raises:
        DataError: If there is nothing fit to train on, or the name is taken by other content.
    """
    target = store.folder_of(name)
    with store.creating(target) as staging:
        info = fill(Writer(staging), target.name, path, image_size, progress, renames)
        return store.publish(staging, target, info)


def fill(
    writer: Writer,
    name: str,
    path: Path,
    image_size: int,
    progress: Progress | None,
    renames: Renames | None = None,
    needs_train: bool = True,
) -> DatasetInfo:
    """Read everything at ``path`` into ``writer``; see ``import_as``, and ``layouts.plan`` for ``needs_train``."""
    names, problems = survey(path, progress)
    info = DatasetInfo(name, "imported", (), {}, None, "", description=f"Imported from {path.name}.")
    if cifar10.is_official(names):
        called = layouts.renamed(cifar10.CLASSES, renames or {})
        classes = tuple(sorted({new for new in called.values() if new is not None}))
        layouts.check_several(classes, path.name)
        info = replace(info, classes=classes)
        new_labels = [classes.index(new) if (new := called[old]) else -1 for old in cifar10.CLASSES]
        _fill_official(writer, path, new_labels, progress)
    else:
        layout = layouts.plan(names, path.name, renames, needs_train)
        broken = _fill_images(writer, path, layout, image_size, progress)
        named = (*problems, *layout.skipped, *broken)
        info = replace(info, classes=layout.classes, num_broken=len(named), broken=named)
    return writer.finish(info)


def survey(path: Path, progress: Progress | None = None) -> tuple[list[str], list[Named]]:
    """Names of all files that may be read, and (name, reason) of those that may not."""
    names, problems = [], []
    for number, entry in enumerate(archives.entries(path)):
        if archives.is_litter(entry.name):
            continue
        if entry.problem:
            problems.append((entry.name, entry.problem))
        else:
            names.append(entry.name)
        if progress and number % 1000 == 0:
            progress(0, 0, f"looking through {path.name}: {number:,} files")
    return names, problems


def _fill_official(writer: Writer, path: Path, new_labels: list[int], progress: Progress | None) -> None:
    """Read all batches; ``new_labels`` has one for each class, or -1 for a class that is left out."""
    batches = cifar10.read_batches(path)
    total = sum(len(labels) for _, _, labels in batches)
    done = 0
    for split, pixels, labels in batches:
        relabeled = np.array(new_labels)[labels]
        writer.append(split, pixels[relabeled >= 0], relabeled[relabeled >= 0])
        writer.sizes[cifar10.SIDE, cifar10.SIDE] += len(labels)
        done += len(labels)
        if progress:
            progress(done, total, "reading batches")


def _fill_images(writer: Writer, path: Path, layout: Layout, image_size: int, progress: Progress | None) -> list[Named]:
    """Decode every image of ``layout``: at its own size if all share a small one, at ``image_size`` otherwise."""
    try:
        broken = _decode_all(writer, path, layout, None, progress)
    except MixedSizesError:
        writer.clear()
        broken = _decode_all(writer, path, layout, image_size, progress)
    bad = dict(broken)
    readable = {place for name, place in layout.places.items() if name not in bad}
    has_train = "train" in layout.counts()
    layouts.check_complete(readable, layout.classes, path.name, "train" if has_train else "test")
    if not has_train:
        (shape,) = writer.shapes
        writer.append("train", np.zeros((0, *shape), np.uint8), np.zeros(0))
    return broken


def _decode_all(writer: Writer, path: Path, layout: Layout, size: int | None, progress: Progress | None) -> list[Named]:
    """Decode on all cores, in order; returns what was broken."""
    broken, done = [], 0
    wanted = ((entry.name, _content(entry)) for entry in archives.entries(path) if entry.name in layout.places)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while batch := _next_batch(wanted):
            results = list(pool.map(lambda item: _pixels(item[0], item[1], size), batch))
            named = [(name, result) for (name, _), result in zip(batch, results, strict=True)]
            broken += [(name, why) for name, why in named if isinstance(why, str)]
            _append(writer, [(layout.places[name], *found) for name, found in named if not isinstance(found, str)])
            done += len(batch)
            if progress:
                progress(done, len(layout.places), "decoding images")
    return broken


def _next_batch(wanted: Iterator[tuple[str, bytes | str]]) -> list[tuple[str, bytes | str]]:
    """The next names and files; a limit on their number alone would not be one on memory."""
    batch, size = [], 0
    for name, content in islice(wanted, BATCH):
        batch.append((name, content))
        size += len(content)
        if size > BATCH_BYTES:
            break
    return batch


def _content(entry: archives.Entry) -> bytes | str:
    """An image's file, or why there is none."""
    try:
        return entry.read()
    except archives.MemberError as error:
        return str(error)


def _pixels(name: str, content: bytes | str, size: int | None) -> tuple[np.ndarray, tuple[int, int]] | str:
    """uint8 (3, S, S), and width and height of the original; or why there is none.

    Raises:
        MixedSizesError: If ``size`` is None and the image is not a small square.
    """
    if isinstance(content, str):
        return content
    try:
        image = images.decode(content, name).image
    except ImageError as error:
        return str(error)
    if size is not None:
        return images.to_array(images.fit(image, size)), image.size
    if image.width != image.height or image.width > DEFAULT_SIZE:
        raise MixedSizesError
    return images.to_array(image), image.size


def _append(writer: Writer, decoded: list[tuple[tuple[str, int], np.ndarray, tuple[int, int]]]) -> None:
    """Store decoded images under their (split, label), and count their sizes."""
    writer.sizes.update(size for _, _, size in decoded)
    if len({pixels.shape for _, pixels, _ in decoded} | writer.shapes) > 1:
        raise MixedSizesError
    for split in store.SPLITS:
        part = [(label, pixels) for (there, label), pixels, _ in decoded if there == split]
        if part:
            labels, pixels = zip(*part, strict=True)
            writer.append(split, np.stack(pixels), np.array(labels))
