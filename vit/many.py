"""Many image files at once: found in a folder, predicted little by little, and written as CSV."""

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from vit.data import archives
from vit.data.layouts import SUFFIXES
from vit.errors import DataError, ImageError
from vit.images import DecodedImage

if TYPE_CHECKING:  # so that files can be listed without torch
    from vit.judge import Judge

MOST = 2000  # images of a folder
MOST_NAMES = 200_000  # of a folder that are looked at
BATCH = 32  # images between two signs of progress


class Readable(Protocol):
    """A file with an image: its name, with folders where it has some, and how to decode it."""

    @property
    def name(self) -> str: ...

    @property
    def read(self) -> Callable[[], DecodedImage]: ...


@dataclass(frozen=True)
class File:
    """The smallest thing that is ``Readable``."""

    name: str
    read: Callable[[], DecodedImage]  # may raise ImageError


@dataclass(frozen=True)
class Found:
    """The images of a folder, by name."""

    paths: tuple[Path, ...]  # the first ``MOST``, relative to the folder
    total: int  # how many there are


@dataclass(frozen=True)
class Row:
    """What a model says of one file: probabilities (K), both raw and calibrated where they are known."""

    name: str
    raw: tuple[float, ...] | None = None  # None where there is a problem
    calibrated: tuple[float, ...] | None = None
    is_unusual: bool | None = None  # None if that isn't known
    problem: str | None = None  # why it can't be read

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]

    def top(self, classes: Sequence[str], raw: bool = False, k: int = 2) -> list[tuple[str, float]]:
        """The k likeliest classes with their probabilities; none where there is a problem."""
        pairs = zip(classes, self.shares(raw) or (), strict=False)
        return sorted(pairs, key=lambda pair: -pair[1])[:k]

    def shares(self, raw: bool = False) -> tuple[float, ...] | None:
        return self.raw if raw or self.calibrated is None else self.calibrated


def find(folder: Path) -> Found:
    """The images in a folder and in its sub-folders, without what is hidden.

    Raises:
        DataError: If there is no such folder, no image in it, or far too many files.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder} on the machine that runs ViT Lab: check the path.")
    found = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        inside = [Path(place, name).relative_to(folder) for name in sorted(names)]
        found += [path for path in inside if _is_image(path)]
        if len(found) > MOST_NAMES:
            raise DataError(f"{folder} holds more than {MOST_NAMES:,} images: choose a folder inside it.")
    if not found:
        raise DataError(f"There is no image in {folder}: images are files that end in {', '.join(SUFFIXES)}.")
    return Found(tuple(found[:MOST]), len(found))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not archives.is_litter(path.as_posix())


def predict(judge: "Judge", files: Sequence[Readable], mirrored: bool = False) -> Iterator[list[Row]]:
    """Rows for the files, a batch at a time; of each image only what the model sees is kept in memory.

    Raises:
        CheckpointError: If the model answers NaN or infinity.
    """
    for start in range(0, len(files), BATCH):
        batch = files[start : start + BATCH]
        views = [_view(judge, file) for file in batch]
        answers = _answers(judge, [view for view in views if not isinstance(view, str)], mirrored)
        yield [
            Row(file.name, problem=view) if isinstance(view, str) else Row(file.name, *next(answers))
            for file, view in zip(batch, views, strict=True)
        ]


def _view(judge: "Judge", file: Readable) -> Image.Image | str:
    """What the model sees of a file, or why that can't be."""
    try:
        return judge.predictor.see(file.read().image)
    except ImageError as error:
        return str(error)


def _answers(judge: "Judge", seen: list[Image.Image], mirrored: bool) -> Iterator[tuple]:
    """Raw and calibrated probabilities, and whether it is unusual, of each image."""
    if not seen:
        return iter(())
    logits, unusual = judge.look(seen, mirrored)
    raw = judge.probabilities(logits, raw=True)
    calibrated = judge.probabilities(logits) if judge.reference else [None] * len(raw)
    return zip(raw, calibrated, unusual, strict=True)


def counts(rows: Sequence[Row], classes: Sequence[str]) -> dict[str, Counter[str]]:
    """How many images of each folder are which class."""
    found: dict[str, Counter[str]] = {}
    for row in sorted(rows, key=lambda row: row.folder):
        for name, _ in row.top(classes, k=1):
            found.setdefault(row.folder, Counter())[name] += 1
    return found


def as_csv(rows: Sequence[Row], classes: Sequence[str], raw: bool = False) -> str:
    """One line for each file: its class, and the probability of every class; names are text, never formulas."""
    from vit.evaluation.report import safe  # not at the top: it loads what draws reports

    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["file", "class", "probability", "unusual", "problem", *map(safe, classes)])
    for row in rows:
        unusual = {None: "", True: "yes", False: "no"}[row.is_unusual]
        first = [value for name, share in row.top(classes, raw, 1) for value in (safe(name), f"{share:.6f}")]
        shares = [f"{share:.6f}" for share in row.shares(raw) or ()]
        writer.writerow([safe(row.name), *(first or ["", ""]), unusual, safe(row.problem or ""), *shares])
    return buffer.getvalue()
