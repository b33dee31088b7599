"""Reading a tar front to back in bounded memory, whatever its headers claim.

``tarfile`` reads extended headers whole, however large, and follows each to the next by recursion; its parsing of a
single header block is used here. Format: https://www.gnu.org/software/tar/manual/html_node/Standard.html and pax(1).
"""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tarfile import BLOCKSIZE, ReadError, TarInfo
from typing import BinaryIO

MAX_EXTENDED_BYTES = 1 << 20  # of a header that says more of the member behind it; a name has a few hundred
MAX_EXTENDED = 16  # such headers before one member
MAX_DICTIONARY = 256 << 20  # bytes that unpacking xz may take; its own presets take up to 65 MB
SKIP_BYTES, BUFFER_BYTES = 1 << 20, 1 << 17
LONG_NAMES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
PAX = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
WITHOUT_CONTENT = (*b"123456",)  # links, devices, folders and pipes
MAGIC = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open}
XZ = b"\xfd7zXZ\x00"


@dataclass
class Member:
    """One file of a tar; its content can be read until the next member is asked for."""

    name: str  # with forward slashes
    size: int  # bytes
    problem: str | None  # why it must not be read
    stream: "_Stream"
    left: int  # bytes of content and padding not read yet

    def read(self) -> bytes:
        """The content."""
        self.left -= self.size
        return self.stream.read(self.size)

    def chunks(self) -> Iterator[bytes]:
        """The content, little by little."""
        left = self.size
        while left:
            content = self.stream.read(min(left, SKIP_BYTES))
            left -= len(content)
            self.left -= len(content)
            yield content

    def skip(self) -> None:
        while self.left:
            self.left -= len(self.stream.read(min(self.left, SKIP_BYTES)))


class _Stream:
    """What an archive unpacks to, up to a limit."""

    def __init__(self, raw: BinaryIO, most: float):
        self._raw, self._left = raw, most

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes."""
        self._left -= size
        if self._left < 0:
            raise ReadError("it unpacks to many times its size")
        content = self._raw.read(size)
        if len(content) < size:
            raise ReadError("no end mark")
        return content


def is_tar(path: Path) -> bool:
    """Whether it begins as a tar does, compressed or not."""
    try:
        with _unpacked(path) as stream:
            block = stream.read(BLOCKSIZE)
            return block == bytes(BLOCKSIZE) or bool(_header(block))
    except (tarfile.TarError, OSError, EOFError, lzma.LZMAError, ValueError):
        return False


def members(path: Path, most: float) -> Iterator[Member]:
    """Every member but folders, until ``most`` bytes are unpacked.

    Raises:
        tarfile.TarError, OSError, EOFError or ValueError: If it is damaged, cut, or has headers beyond the limits.
    """
    with _unpacked(path) as raw:
        stream = _Stream(raw, most)
        said: dict[str, str] = {}
        extended = 0
        while (block := stream.read(BLOCKSIZE)) != bytes(BLOCKSIZE):  # which is the end mark
            info = _header(block)
            if info.type in (*LONG_NAMES, *PAX):
                extended += 1
                said |= _said_more(info, stream, extended)
                continue
            member = _member(info, said, stream)
            if not info.isdir():
                yield member
            member.skip()
            said, extended = {}, 0


def _header(block: bytes) -> TarInfo:
    info = TarInfo.frombuf(block, "utf-8", "replace")
    if info.size < 0:
        raise ReadError("a member of negative size")
    return info


def _member(info: TarInfo, said: dict[str, str], stream: _Stream) -> Member:
    """The member behind a header, of which extended headers ``said`` more."""
    if info.type == tarfile.GNUTYPE_SPARSE:
        raise ReadError("it has sparse files; pack it without --sparse")
    size = int(said.get("size", info.size))
    if not 0 <= size < 1 << 62:
        raise ReadError("a member of impossible size")
    is_sparse = any(key.startswith("GNU.sparse") for key in said)
    problem = "a link or device" if not info.isreg() else "a sparse file" if is_sparse else None
    padded = 0 if info.type[0] in WITHOUT_CONTENT else -(-size // BLOCKSIZE) * BLOCKSIZE
    return Member(said.get("path", info.name).removeprefix("./"), size if padded else 0, problem, stream, padded)


def _said_more(info: TarInfo, stream: _Stream, number: int) -> dict[str, str]:
    """What an extended header says of the next member: its ``path``, its ``size`` and more."""
    if info.size > MAX_EXTENDED_BYTES or number > MAX_EXTENDED:
        raise ReadError(f"it has extended headers of more than {MAX_EXTENDED_BYTES >> 20} MB, or too many of them")
    content = stream.read(-(-info.size // BLOCKSIZE) * BLOCKSIZE)[: info.size]
    if info.type == tarfile.GNUTYPE_LONGNAME:
        return {"path": content.partition(b"\0")[0].decode(errors="replace")}
    return _records(content) if info.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE) else {}


def _records(content: bytes) -> dict[str, str]:
    """``LENGTH KEY=VALUE`` lines, each LENGTH bytes long."""
    records, place = {}, 0
    while place < len(content):
        space = content.index(b" ", place, place + 20)
        end = place + int(content[place:space])
        key, equals, value = content[space + 1 : end - 1].partition(b"=")
        if not equals or not space < end <= len(content):
            raise ReadError("a damaged extended header")
        records[key.decode(errors="replace")] = value.decode(errors="replace")
        place = end
    return records


def _unpacked(path: Path) -> BinaryIO:
    with open(path, "rb") as file:
        start = file.read(len(XZ))
    if start == XZ:
        return io.BufferedReader(_Xz(path), BUFFER_BYTES)
    opener = next((opener for magic, opener in MAGIC.items() if start.startswith(magic)), open)
    return io.BufferedReader(opener(path, "rb"), BUFFER_BYTES)


class _Xz(io.RawIOBase):
    """``lzma.open`` with a limit on the memory that the file may ask for."""

    def __init__(self, path: Path):
        self._file = open(path, "rb")  # noqa: SIM115, closed below
        self._start()

    def _start(self) -> None:
        self._unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_DICTIONARY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        """As much as is unpacked next; 0 at the end."""
        content = b""
        while not content:
            more = self._unpacker.unused_data if self._unpacker.eof else b""
            if not more and (self._unpacker.eof or self._unpacker.needs_input):
                more = self._file.read(1 << 16)
                if not more:
                    return 0
            if self._unpacker.eof:  # another stream may follow
                self._start()
            content = self._unpack(more, len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def _unpack(self, packed: bytes, size: int) -> bytes:
        try:
            return self._unpacker.decompress(packed, size)
        except lzma.LZMAError as error:
            raise ReadError(str(error)) from error

    def close(self) -> None:
        self._file.close()
        super().close()
