"""What keeps a small image file from taking long, or much memory, to decode.

Everything is judged before pixels are: a decoder that is at work can't be interrupted.
"""

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL.ImageFile import ImageFile

MAX_PIXELS = 50_000_000
MAX_HEAVY_PIXELS = MAX_PIXELS // 2  # of WebP and of PNG with colors of 16 bits, which take twice the memory or time
MAX_SIDE = 65_535  # what JPEG and GIF allow; Pillow keeps a pointer for every row
MAX_RLE_PIXELS = 4_000_000  # of run-length coded BMP, which Pillow decodes in Python
MAX_PARTS = 100_000  # segments and scans of a JPEG; one from a camera has dozens
MAX_READS = 400_000  # of a file by its decoder; a PNG of 100 MB in the usual pieces of 8 kB takes 50,000
MAX_METADATA = 16 << 20  # bytes in a JPEG; Pillow joins them piece by piece
MAX_SCANNED = 750_000_000  # pixels times scans of a JPEG, of which a progressive one has about ten
MARKER = re.compile(rb"\xff([\xc0-\xcf\xd9-\xdf\xe0-\xef\xfe])")  # those with a length, and the end of the image
END_OF_IMAGE, START_OF_SCAN = 0xD9, 0xDA
FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


class BombError(Exception):
    """A file that would take too much; says what is wrong with it and the remedy, without its name."""


class Rationed(io.BytesIO):
    """A file that may be read only so often, because Pillow's readers do something in Python for every small part.

    Raises:
        BombError: From ``read``, when the ration is used up.
    """

    def __init__(self, data: bytes):
        super().__init__(data)
        self._left = MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise BombError("is made of too many small parts: save it again with an image editor.")
        return super().read(size)


def check_jpeg(data: bytes) -> None:
    """Walk through the segments of a JPEG as its decoder does, and judge how many there are.

    Each scan of a progressive JPEG passes over the whole image, however few bytes it has. What is no JPEG passes.

    Raises:
        BombError: If it has too many parts, too many scans for its size, or too much metadata.
    """
    place, parts, scans, metadata, pixels = 2, 0, 0, 0, 0
    while data.startswith(b"\xff\xd8") and (found := MARKER.search(data, place)):
        kind, length = found[1][0], int.from_bytes(data[found.end() : found.end() + 2])
        if kind == END_OF_IMAGE:
            return
        parts, scans, metadata = parts + 1, scans + (kind == START_OF_SCAN), metadata + length
        if kind in FRAME_HEADERS:
            height, width = (int.from_bytes(data[found.end() + at : found.end() + at + 2]) for at in (3, 5))
            pixels = max(pixels, width * height)
        if parts > MAX_PARTS or metadata > MAX_METADATA or scans * pixels > MAX_SCANNED:
            raise BombError("has too many scans or too much metadata for a JPEG: save it again with an image editor.")
        place = found.end() + length


def check_size(image: ImageFile) -> None:
    """Judge an image that is opened but not decoded.

    Raises:
        BombError: If it has too many pixels.
    """
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise BombError(f"has more than {MAX_PIXELS // 10**6} megapixels: scale it down first.")
    if pixels > MAX_HEAVY_PIXELS and (image.format == "WEBP" or _is_deep(image)):
        limit = f"{MAX_HEAVY_PIXELS // 10**6} megapixels, the most for WebP and for colors of 16 bits"
        raise BombError(f"has more than {limit}: scale it down first.")
    if max(image.size) > MAX_SIDE:
        raise BombError(f"is more than {MAX_SIDE:,} pixels long: cut it into pieces first.")
    if pixels > MAX_RLE_PIXELS and image.format == "BMP" and image.tile[0].codec_name == "bmp_rle":
        raise BombError(f"is a compressed BMP of more than {MAX_RLE_PIXELS // 10**6} megapixels: save it as PNG.")


def _is_deep(image: ImageFile) -> bool:
    """Whether it is a PNG with colors of 16 bits; gray ones are read as they are."""
    return image.mode != "I;16" and any(str(tile.args).count(";16B") for tile in image.tile)


class _Room:
    """Lets threads decode at the same time only as many pixels as one image may have."""

    def __init__(self, pixels: int):
        self._free, self._changed = pixels, threading.Condition()

    @contextmanager
    def take(self, pixels: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._free >= pixels)
            self._free -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._free += pixels
                self._changed.notify_all()


ROOM = _Room(MAX_PIXELS)
