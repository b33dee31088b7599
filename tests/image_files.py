"""Small images and the files they make, well-formed and not."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont


def encode(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def scene(width: int = 40, height: int = 20) -> Image.Image:
    """Red left, blue right, a green corner at the top left: no symmetry."""
    image = Image.new("RGB", (width, height), (220, 30, 30))
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 2, 0, width, height), fill=(30, 30, 220))
    draw.rectangle((0, 0, width // 4 - 1, height // 2 - 1), fill=(30, 200, 30))
    return image


def noise(size: int = 24) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8))


def screenshot() -> Image.Image:
    """A window with a title and a page of small text."""
    window = Image.new("RGB", (800, 600), "white")
    draw = ImageDraw.Draw(window)
    draw.rectangle((0, 0, 800, 40), "#ddd")
    for line in range(20):
        words = f"{line:3} A line of text, as in an editor or a terminal, of no importance at all."
        draw.text((30, 60 + 26 * line), words, "black", ImageFont.load_default(20))
    return window


def close(image: Image.Image, other: Image.Image, tolerance: float) -> bool:
    return abs(np.asarray(image, float) - np.asarray(other, float)).mean() < tolerance


def bmp_rle(width: int, height: int, pixels: bytes) -> bytes:
    """A BMP of 8 bits a pixel in run-length coding."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    start = 14 + len(head) + 1024
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + head + bytes(1024) + pixels


def png_header(width: int, height: int, depth: int = 8) -> bytes:
    """A PNG that claims a size and has almost no content."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")
