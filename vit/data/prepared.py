"""Folders and archives that are trained on by path: prepared once, then read like any imported data set."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from vit import paths
from vit.data import archives, importing, store
from vit.data.importing import DEFAULT_SIZE, Progress
from vit.errors import DataError


def prepare(path: Path, image_size: int = DEFAULT_SIZE, progress: Progress | None = None) -> Path:
    """The stored form of what lies at ``path``, built if it isn't there or if anything has changed.

    Raises:
        DataError: If it can't be imported.
    """
    target = place(path, image_size)
    if not target.exists():
        with store.creating(target, wait=True) as staging:
            if not target.exists():  # another process may have been faster
                info = importing.fill(store.Writer(staging), path.name, path, target_size(image_size), progress)
                store.publish(staging, target, info)
                _forget_older(target)
    return target


def place(path: Path, image_size: int = DEFAULT_SIZE) -> Path:
    """Where the stored form belongs: named by path, by state of every file, and by size."""
    path = path.expanduser().resolve()
    state = hashlib.sha256("\n".join(_state(path)).encode()).hexdigest()[:16]
    return paths.data_root() / ".cache" / f"{_key(path)}-{state}-{target_size(image_size)}"


def target_size(image_size: int) -> int:
    """Side in pixels to prepare at; small models share one preparation."""
    return max(DEFAULT_SIZE, image_size)


def _key(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:16]


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
