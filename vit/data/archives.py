"""Walking through the files of a folder, zip or tar without unpacking anything, so that nothing can land outside.

Links, devices and names that point out of the archive are never followed; they come along with a problem instead.
Whatever an archive claims, a member, all of them together, and what they unpack to per byte have limits.
"""

import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from vit.data import tar
from vit.errors import DataError

MAX_MEMBERS = 2_000_000
MAX_BYTES = 20 << 30  # of all members, unpacked
MAX_MEMBER_BYTES = 128 << 20  # images and batches of CIFAR-10 are smaller
MAX_RATIO, FREE_BYTES = 50, 16 << 20  # bytes unpacked per byte of an archive, beyond the first ones
LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")
PLAIN_ZIP = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what can be unpacked little by little
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, struct.error)
DAMAGE += (EOFError, IndexError, NotImplementedError, OSError, OverflowError, ValueError)


class MemberError(Exception):
    """One member can't be read; the others can."""


@dataclass(frozen=True)
class Entry:
    """One file."""

    name: str  # its path inside, with forward slashes
    size: int  # bytes, unpacked
    problem: str | None  # why it must not be read
    read: Callable[[], bytes]  # gives its content until the next entry is asked for; raises ``MemberError``


def entries(path: Path) -> Iterator[Entry]:
    """Every file in a folder or archive, in a stable order.

    Raises:
        DataError: If ``path`` is missing, of an unknown kind, damaged, or larger than the limits.
    """
    total, most = 0, _most_bytes(path)
    try:
        for number, entry in enumerate(_walker(path)(path), 1):
            total += entry.size
            if number > MAX_MEMBERS or total > MAX_BYTES:
                raise DataError(
                    f"{path.name} holds more than {MAX_MEMBERS:,} files or {MAX_BYTES >> 30} GB unpacked: "
                    "import a smaller part of it."
                )
            if total > most:
                raise DataError(
                    f"{path.name} unpacks to more than {MAX_RATIO} times its size: import a folder instead."
                )
            yield _checked(entry)
    except DataError:  # is a ValueError itself
        raise
    except DAMAGE as error:
        raise DataError(f"{path.name} can't be read to its end ({error}): it may be damaged or incomplete.") from error


def _most_bytes(path: Path) -> float:
    """How much an archive may unpack to; a folder holds what it holds."""
    return FREE_BYTES + MAX_RATIO * path.stat().st_size if path.is_file() else float("inf")


def _walker(path: Path) -> Callable[[Path], Iterator[Entry]]:
    if path.is_dir():
        return _folder
    if not path.exists():
        raise DataError(f"There is no file or folder {path}: check the path.")
    if zipfile.is_zipfile(path):
        return _zip
    if tar.is_tar(path):
        return _tar
    raise DataError(f"{path.name} is neither a folder nor a readable zip, tar, tar.gz or tar.xz archive.")


def _checked(entry: Entry) -> Entry:
    """Add the problems that every kind of archive can have; what in a name is no text becomes a question mark."""
    if (name := entry.name.encode(errors="replace").decode()) != entry.name:
        entry = replace(entry, name=name)
    parts = entry.name.split("/")
    if entry.name.startswith("/") or ".." in parts or parts[0].endswith(":"):
        return replace(entry, problem="its name points outside the archive")
    if entry.size > MAX_MEMBER_BYTES:
        return replace(entry, problem=f"larger than {MAX_MEMBER_BYTES >> 20} MB")
    return entry


def is_litter(name: str) -> bool:
    """Whether an operating system put it there: hidden files and the like."""
    return any(part.startswith(".") and part not in (".", "..") or part in LITTER for part in name.split("/"))


def _folder(root: Path) -> Iterator[Entry]:
    for place, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names) + [folder for folder in folders if os.path.islink(os.path.join(place, folder))]:
            path = Path(place, name)
            problem = None if path.is_file() else "a link to a folder, a broken link or not a plain file"
            size = path.stat().st_size if problem is None else 0
            yield Entry(path.relative_to(root).as_posix(), size, problem, lambda path=path: _read_file(path))


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MemberError(error.strerror or "can't be read") from error


def _zip(path: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            is_link = stat.S_ISLNK(info.external_attr >> 16)
            unusual = None if info.compress_type in PLAIN_ZIP else "compressed in another way than deflate"
            problem = "encrypted" if info.flag_bits & 1 else "a link" if is_link else unusual
            name = info.filename.replace("\\", "/")
            yield Entry(name, info.file_size, problem, lambda info=info: _read_zipped(archive, info))


def _read_zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """As much as the member claims, and no more; ``ZipFile.read`` would unpack whatever there is."""
    try:
        with archive.open(info) as member:
            return member.read(info.file_size)
    except DAMAGE as error:
        raise MemberError("damaged in the archive") from error


def _tar(path: Path) -> Iterator[Entry]:
    for member in tar.members(path, _most_bytes(path)):
        yield Entry(member.name, member.size, member.problem, partial(_read_tarred, member))


def _read_tarred(member: tar.Member) -> bytes:
    try:
        return member.read()
    except DAMAGE as error:
        raise MemberError("damaged in the archive") from error
