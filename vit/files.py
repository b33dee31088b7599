"""Writing files so that a reader sees the old content or the new one, never half of either."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import psutil

PRIVATE = 0o700  # mode of a folder that only its owner may read


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is synced to disk and takes its place.

    The temporary file lies in the same folder, because only a rename within one file system is atomic.

    Raises:
        OSError: If the disk is full or the folder is not writable; ``path`` is then untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Create a folder, and those above it, for its owner alone: runs and data sets hold a person's own images."""
    for missing in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
        missing.mkdir(mode=PRIVATE, exist_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Atomically replace ``path`` by ``content``, durable once this returns."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: object) -> None:
    """Atomically write ``value`` as JSON; NaN is refused, because it is not JSON."""
    write_bytes(path, json.dumps(value, indent=1, allow_nan=False).encode())


def append_line(path: Path, value: dict) -> None:
    """Append one JSON object as one line, in one write, so that lines never interleave.

    A line that was cut off, because its writer was killed or the disk was full, is ended first: it must not swallow
    this one.
    """
    line = json.dumps(value, allow_nan=False).encode() + b"\n"
    with open(path, "ab+") as file:
        if file.tell() and _last_byte(file) != b"\n":
            line = b"\n" + line
        file.write(line)


def _last_byte(file: BinaryIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that processes left in a folder when they were killed."""
    for path in folder.glob(".*.tmp"):
        writer = path.name.rsplit(".", 2)[1]
        if writer.isdigit() and (int(writer) == os.getpid() or not psutil.pid_exists(int(writer))):
            path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Ask the operating system to put a file or a folder's entries on disk."""
    if path.is_dir() and os.name == "nt":  # Windows can't open folders
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
