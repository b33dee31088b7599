"""Which data sets there are, what is in them, and single images of them: fast, without torch."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from vit import images, paths
from vit.data import archives, cifar10, draws, importing, layouts, shapes, store
from vit.data.importing import Progress
from vit.data.store import DatasetInfo
from vit.errors import DataError

SAMPLE_STREAM = 1 << 44
SHAPES_SIZE = 32  # of generated images, where nobody asks for another size
SHAPES = DatasetInfo(
    name="shapes",
    kind="generated",
    classes=shapes.CLASSES,
    counts=shapes.COUNTS,
    image_size=None,
    fingerprint=hashlib.sha256(f"shapes {shapes.VERSION} {shapes.SEED}".encode()).hexdigest(),
    description="Ten shapes in any color and place, generated on this machine.",
)


@dataclass(frozen=True)
class Sample:
    """One image of a data set; ``index`` is its place in the split."""

    image: Image.Image
    label: int
    class_name: str
    index: int


def list_datasets() -> list[DatasetInfo]:
    """Every data set: the built-in one, then the imported ones by name; damaged ones carry a ``problem``."""
    root = paths.data_root()
    folders = [path.parent for path in root.glob(f"*/{store.INFO}") if paths.NAME.fullmatch(path.parent.name)]
    return [SHAPES, *(_info(folder) for folder in sorted(folders))]


def describe(source: str) -> DatasetInfo:
    """What is known about a data set, or about a folder or archive that was not imported.

    Raises:
        DataError: If there is no such thing, or it is damaged.
    """
    if source == "shapes":
        return SHAPES
    path = as_path(source)
    if path is None:
        return store.read_info(_existing(source))
    place = prepared_place(path)
    if place.exists():
        return _as_path_info(place, path)
    names, problems = importing.survey(path)  # names alone are fast, but can't tell of broken files
    if cifar10.is_official(names):
        counts, classes = {"train": 50_000, "test": 10_000}, cifar10.CLASSES
        return DatasetInfo(str(path.resolve()), "path", classes, counts, cifar10.SIDE, "")
    layout = layouts.plan(names, path.name)
    broken = (*problems, *layout.skipped)
    return DatasetInfo(str(path.resolve()), "path", layout.classes, layout.counts(), None, "", len(broken), broken)


def resolve(source: str, image_size: int = importing.DEFAULT_SIZE, progress: Progress | None = None) -> DatasetInfo:
    """Like ``describe``, but a folder or archive is prepared first, so that everything is known of it.

    Raises:
        DataError: If there is no such data set or it can't be prepared.
    """
    path = as_path(source)
    return describe(source) if path is None else _as_path_info(locate(source, image_size, progress), path)


def samples(
    source: str, split: str = "train", count: int = 16, seed: int = 0, image_size: int | None = None
) -> list[Sample]:
    """``count`` images drawn without repetition; another ``seed``, other images. See ``load_images``."""
    available = describe(source).counts.get(split, 0)
    order = draws.permutation(available, seed, SAMPLE_STREAM)
    return load_images(source, split, order[:count].tolist(), image_size)


def load_images(source: str, split: str, indices: list[int], image_size: int | None = None) -> list[Sample]:
    """Single images, read from disk without loading the rest.

    Args:
        source: "shapes" or the name of an imported data set.
        split: "train" or "test".
        indices: Places in the split.
        image_size: Side in pixels; the stored size where None.

    Raises:
        DataError: If there is no such data set, split or image.
    """
    info = describe(source)
    if not all(0 <= index < info.counts.get(split, 0) for index in indices):
        raise DataError(f"{source} has {info.counts.get(split, 0):,} {split} images, asked for {indices}.")
    if source == "shapes":
        pixels, labels, _ = shapes.render(np.array(indices, int), image_size or SHAPES_SIZE, split=split)
    else:
        with store.arrays(locate(source)) as stored:
            stored_pixels, stored_labels = (stored.get_slice(f"{split}_{part}") for part in ("images", "labels"))
            pixels = [stored_pixels[index : index + 1][0] for index in indices]
            labels = [stored_labels[index : index + 1][0] for index in indices]
    made = [Image.fromarray(image.transpose(1, 2, 0)) for image in pixels]
    if image_size:
        made = [images.fit(image, image_size) for image in made]
    return [
        Sample(image, int(label), info.classes[label], index)
        for image, label, index in zip(made, labels, indices, strict=True)
    ]


def class_counts(source: str, split: str = "train") -> dict[str, int]:
    """How many images of a split each class has, by the class's name.

    Raises:
        DataError: If there is no such data set or split.
    """
    classes = describe(source).classes
    counts = np.bincount(labels_of(source, split), minlength=len(classes))
    return dict(zip(classes, counts.tolist(), strict=True))


def labels_of(source: str, split: str) -> np.ndarray:
    """The label of every image of a split, int64 (n,).

    Raises:
        DataError: If there is no such data set, or its files are damaged.
    """
    if source == "shapes":
        return shapes.label_of(np.arange(shapes.COUNTS[split]), split=split)
    with store.arrays(locate(source)) as stored:
        return stored.get_tensor(f"{split}_labels")


def remove(name: str) -> None:
    """Delete an imported data set.

    Raises:
        DataError: If there is none of that name.
    """
    folder = _existing(name)
    trash = folder.with_name(f".{name}.removed")
    folder.rename(trash)  # gone at once, even if deleting takes long or is interrupted
    shutil.rmtree(trash)


def locate(source: str, image_size: int = importing.DEFAULT_SIZE, progress: Progress | None = None) -> Path:
    """The folder with the stored form of ``source``; a folder or archive that is new or has changed is prepared first.

    It may have no training images, only such to test with.

    Raises:
        DataError: If there is no such data set or it can't be prepared.
    """
    path = as_path(source)
    if path is None:
        return _existing(source)
    size = max(importing.DEFAULT_SIZE, image_size)  # small models share one preparation
    target = prepared_place(path, size)
    if not target.exists():
        with store.creating(target, wait=True) as staging:
            if not target.exists():  # another process may have been faster
                info = importing.fill(store.Writer(staging), path.name, path, size, progress, needs_train=False)
                store.publish(staging, target, info)
                _forget_older(target)
    return target


def as_path(source: str) -> Path | None:
    """The place on disk that ``source`` means, or None if it is a data set's name, which goes first."""
    if source in store.RESERVED or (paths.NAME.fullmatch(source) and (paths.data_root() / source).is_dir()):
        return None
    path = Path(source).expanduser()
    return path if path.exists() else None


def prepared_place(path: Path, image_size: int = importing.DEFAULT_SIZE) -> Path:
    """Where the stored form belongs: named by path, by state of every file, and by size."""
    path = path.expanduser().resolve()
    texts = (str(path), "\n".join(_state(path)))
    key, state = (hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts)
    return paths.data_root() / ".cache" / f"{key}-{state}-{image_size}"


def _state(path: Path) -> Iterator[str]:
    """Names, sizes and times, any change of which means that the content may have changed."""
    if not path.exists():
        raise DataError(f"There is no file or folder {path}: check the path.")
    files = (path / entry.name for entry in archives.entries(path) if not entry.problem) if path.is_dir() else [path]
    for file in files:
        stat = file.stat()
        yield f"{file} {stat.st_size} {stat.st_mtime_ns}"


def _forget_older(target: Path) -> None:
    """Remove what was prepared from earlier states of the same path."""
    key, state, _ = target.name.split("-")
    for other in target.parent.glob(f"{key}-*-*"):
        if other.name.split("-")[1] != state:
            shutil.rmtree(other, ignore_errors=True)


def _existing(name: str) -> Path:
    """The folder of an imported data set."""
    folder = paths.data_root() / name
    if not paths.NAME.fullmatch(name) or not folder.is_dir():
        there = ", ".join(info.name for info in list_datasets())
        raise DataError(
            f"There is no data set, folder or archive {name!r}: there are {there}. Get CIFAR-10 with 'python -m vit "
            "data fetch cifar10', own images with 'python -m vit data import PATH --name NAME'."
        )
    return folder


def _as_path_info(place: Path, path: Path) -> DatasetInfo:
    """The name is the absolute path, which means the same from every working directory."""
    return replace(store.read_info(place), name=str(path.resolve()), kind="path")


def _info(folder: Path) -> DatasetInfo:
    try:
        return store.read_info(folder)
    except DataError as error:
        return DatasetInfo(folder.name, "imported", (), {}, None, "", problem=str(error))
