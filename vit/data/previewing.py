"""What an import would give, before anything is written: classes, how many images each has, and some of them."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vit import images
from vit.data import archives, cifar10, layouts
from vit.data.importing import Named, Progress, Renames
from vit.errors import ImageError

EXAMPLES, SIDE = 5, 48  # images of a class, and their side in pixels
MAX_EXAMPLES = 2000  # of all classes together
REPORTED = 500  # files between two reports of progress


@dataclass(frozen=True)
class FoundClass:
    """A class as the folder or archive has it."""

    name: str
    counts: dict[str, int]  # images per split, before any turns out to be broken
    examples: tuple[Image.Image, ...]  # squares of ``SIDE`` pixels


@dataclass(frozen=True)
class Preview:
    """All that is found."""

    shown: str  # what the folder or archive is called
    classes: tuple[FoundClass, ...]  # by name
    left_out: tuple[Named, ...]  # files that won't be read; broken ones show only when they are decoded

    def after(self, renames: Renames) -> dict[str, dict[str, int]]:
        """Images per class and split if classes are renamed, merged and dropped; see ``layouts.renamed``.

        Raises:
            DataError: If such an import would be refused.
        """
        called = layouts.renamed([one.name for one in self.classes], renames)
        result: dict[str, dict[str, int]] = defaultdict(dict)
        for one in self.classes:
            if (name := called[one.name]) is None:
                continue
            for split, count in one.counts.items():
                result[name][split] = result[name].get(split, 0) + count
        classes = tuple(sorted(result))
        layouts.check_several(classes, self.shown)
        present = {(split, label) for label, name in enumerate(classes) for split in result[name]}
        layouts.check_complete(present, classes, self.shown)
        return {name: result[name] for name in classes}


def preview(path: Path, progress: Progress | None = None) -> Preview:
    """Look through a folder or archive once; nothing is written.

    Raises:
        DataError: If it can't be read, or has no images in class folders.
    """
    names, problems, seen = _walk(path, progress)
    if cifar10.is_official(names):
        return _official(path)
    found = layouts.find(names, path.name)
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    examples: dict[str, list[Image.Image]] = defaultdict(list)
    for name, (split, class_name) in found.images.items():
        counts[class_name][split] = counts[class_name].get(split, 0) + 1
        if name in seen and len(examples[class_name]) < EXAMPLES:
            examples[class_name].append(seen[name])
    classes = tuple(FoundClass(name, counts[name], tuple(examples[name])) for name in sorted(counts))
    return Preview(path.name, classes, (*problems, *found.skipped))


def _walk(path: Path, progress: Progress | None) -> tuple[list[str], list[Named], dict[str, Image.Image]]:
    """Names of all files, what can't be read, and the first images of every folder."""
    names, problems = [], []
    seen: dict[str, Image.Image] = {}
    in_folder: dict[str, int] = defaultdict(int)
    for number, entry in enumerate(archives.entries(path)):
        if archives.is_litter(entry.name):
            continue
        if entry.problem:
            problems.append((entry.name, entry.problem))
            continue
        names.append(entry.name)
        folder = entry.name.rpartition("/")[0]
        if in_folder[folder] < EXAMPLES and len(seen) < MAX_EXAMPLES and (example := _example(entry)):
            in_folder[folder] += 1
            seen[entry.name] = example
        if progress and number % REPORTED == 0:
            progress(0, 0, f"looking through {path.name}: {number:,} files")
    return names, problems, seen


def _example(entry: archives.Entry) -> Image.Image | None:
    """A small square of an image; None where there is none."""
    if not entry.name.lower().endswith(layouts.SUFFIXES):
        return None
    try:
        return images.fit(images.decode(entry.read(), entry.name).image, SIDE)
    except (archives.MemberError, ImageError):
        return None


def _official(path: Path) -> Preview:
    """CIFAR-10 in its own layout."""
    batches = cifar10.read_batches(path)
    classes = []
    for label, name in enumerate(cifar10.CLASSES):
        counts: dict[str, int] = {}
        for split, _, labels in batches:
            counts[split] = counts.get(split, 0) + int((labels == label).sum())
        _, pixels, labels = batches[0]
        first = [
            Image.fromarray(pixels[place].transpose(1, 2, 0)) for place in np.flatnonzero(labels == label)[:EXAMPLES]
        ]
        classes.append(FoundClass(name, counts, tuple(images.fit(image, SIDE) for image in first)))
    return Preview(path.name, tuple(classes), ())
