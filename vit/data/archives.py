"""Walking through the files of a folder, zip or tar without unpacking anything, so that nothing can land outside.

Archives are read front to back, member by member. Links, devices and names that point out of the archive are never
followed; they come along with a problem instead.
"""

import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vit.errors import DataError

MAX_MEMBERS = 2_000_000
MAX_BYTES = 20 << 30  # of all members, unpacked
MAX_MEMBER_BYTES = 512 << 20
LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)


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
    total = 0
    try:
        for number, entry in enumerate(_walker(path)(path), 1):
            total += entry.size
            if number > MAX_MEMBERS or total > MAX_BYTES:
                raise DataError(
                    f"{path.name} holds more than {MAX_MEMBERS:,} files or {MAX_BYTES >> 30} GB unpacked: "
                    "import a smaller part of it."
                )
            yield _checked(entry)
    except (*DAMAGE, OSError) as error:
        raise DataError(f"{path.name} can't be read to its end ({error}): it may be damaged or incomplete.") from error


def _walker(path: Path) -> Callable[[Path], Iterator[Entry]]:
    if path.is_dir():
        return _folder
    if not path.exists():
        raise DataError(f"There is no file or folder {path}: check the path.")
    if zipfile.is_zipfile(path):
        return _zip
    if tarfile.is_tarfile(path):
        return _tar
    raise DataError(f"{path.name} is neither a folder nor a readable zip, tar, tar.gz or tar.xz archive.")


def _checked(entry: Entry) -> Entry:
    """Add the problems that every kind of archive can have."""
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
            problem = "encrypted" if info.flag_bits & 1 else "a link" if is_link else None
            name = info.filename.replace("\\", "/")
            yield Entry(name, info.file_size, problem, lambda info=info: _read_zipped(archive, info))


def _read_zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(info)
    except (*DAMAGE, OSError) as error:
        raise MemberError("damaged in the archive") from error


def _tar(path: Path) -> Iterator[Entry]:
    with tarfile.open(path) as archive:
        while info := archive.next():
            vars(archive)["members"].clear()  # tarfile remembers every member otherwise
            if info.isdir():
                continue
            problem = None if info.isreg() else "a link or device"
            name = info.name.removeprefix("./")
            yield Entry(name, info.size, problem, lambda info=info: _read_tarred(archive, info))
        archive.fileobj.seek(archive.offset)
        if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("no end mark")  # tarfile itself takes a torn header for the end


def _read_tarred(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(info)
    assert file is not None  # only folders and devices have no content
    return file.read()
