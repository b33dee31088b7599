"""From a file's bytes to the image a model sees. Pillow and numpy only.

An image is either decoded completely and upright, or refused with a sentence; nothing is guessed or half shown.
"""

import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from PIL.Image import Resampling

from vit import bombs
from vit.bombs import BombError
from vit.errors import ImageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
FORMAT_WORDS = "PNG, JPEG, WebP, BMP or GIF"
BAND_PIXELS = 1 << 20  # of transparent and 16-bit images, converted at a time: on the way they take several times more
# What Pillow's readers raise on damaged files; SyntaxError is its word for a bad header.
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, OverflowError, struct.error, zlib.error)
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)  # Pillow's own words for too many pixels


@dataclass(frozen=True)
class DecodedImage:
    """A complete image."""

    image: Image.Image  # RGB, upright, without metadata
    note: str | None  # what a person should know about the conversion, such as "first of 12 frames"


def read(path: Path) -> DecodedImage:
    """Decode an image file.

    Raises:
        ImageError: If it is missing, can't be read, or isn't an image.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} can't be read: {error.strerror}") from error
    return decode(content, path.name)


def decode(data: bytes, name: str) -> DecodedImage:
    """Decode a PNG, JPEG, WebP, BMP or GIF of any mode.

    Args:
        data: The file's content.
        name: What to call the file in messages; never used as a path.

    Raises:
        ImageError: If it is empty, not such an image, damaged, incomplete, above 50 megapixels, or made to take
            much time or memory.
    """
    shown = _shown(name)
    if not data:
        raise ImageError(f"{shown} is empty: choose the original file again.")
    try:
        bombs.check_jpeg(data)
        with Image.open(bombs.Rationed(data), formats=FORMATS) as image:
            bombs.check_size(image)
            if not image.width * image.height:
                raise ImageError(f"{shown} has no pixels: choose another image.")
            with bombs.ROOM.take(image.width * image.height):
                return _convert(image)
    except ImageError:  # is a ValueError itself
        raise
    except BombError as error:
        raise ImageError(f"{shown} {error}") from error
    except BOMBS as error:
        words = f"{shown} has more than {bombs.MAX_PIXELS // 10**6} megapixels: scale it down first."
        raise ImageError(words) from error
    except Image.UnidentifiedImageError as error:
        raise ImageError(f"{shown} is not an image that can be read: save it as {FORMAT_WORDS}.") from error
    except DAMAGE as error:
        raise ImageError(f"{shown} is damaged or incomplete: save or download it again.") from error


def crop_box(width: int, height: int) -> tuple[int, int, int, int]:
    """The central square that a model sees, (left, top, right, bottom) in pixels of the original."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def fit(image: Image.Image, size: int) -> Image.Image:
    """Cut out ``crop_box`` and scale it to ``size`` x ``size`` pixels, anti-aliased."""
    # Not resize(box=...), which lets pixels from beyond the box shine in where it enlarges.
    return image.crop(crop_box(*image.size)).resize((size, size), Resampling.BILINEAR)


def to_array(image: Image.Image, channels: int = 3) -> np.ndarray:
    """uint8 (C, H, W) with 3 channels (RGB) or 1 (gray, ITU-R BT.601)."""
    if channels == 1:
        return np.array(image.convert("L"))[None]
    return np.ascontiguousarray(np.asarray(image.convert("RGB")).transpose(2, 0, 1))


def _convert(image: Image.Image) -> DecodedImage:
    """Decode the first frame, turn it upright, flatten it to RGB and drop the metadata."""
    image.load()
    notes = [f"first of {frames} frames"] if (frames := _frames(image)) != "1" else []
    with suppress(*DAMAGE):  # an orientation that can't be read or is unknown is none
        ImageOps.exif_transpose(image, in_place=True)
    flat, is_transparent = _to_rgb(image)
    if is_transparent:
        notes.append("transparent parts shown on white")
    return DecodedImage(flat, "; ".join(notes) or None)


def _frames(image: Image.Image) -> str:
    """How many there are; those of a long GIF are not counted to their end."""
    try:
        return str(getattr(image, "n_frames", 1))
    except BombError:
        return "several"


def _to_rgb(image: Image.Image) -> tuple[Image.Image, bool]:
    """An RGB copy without metadata, and whether anything transparent was laid on white."""
    is_plain = not (image.mode.startswith("I") or image.has_transparency_data)
    if is_plain or image.width * image.height <= BAND_PIXELS:
        flat, is_transparent = _band_to_rgb(image)
    else:
        flat, is_transparent = _in_bands(image)
    flat.info = {}  # EXIF holds places and times that are nobody's business
    return flat, is_transparent


def _in_bands(image: Image.Image) -> tuple[Image.Image, bool]:
    flat, is_transparent = Image.new("RGB", image.size), False
    rows = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        colors, has_transparency = _band_to_rgb(image.crop((0, top, image.width, min(top + rows, image.height))))
        flat.paste(colors, (0, top))
        is_transparent |= has_transparency
    return flat, is_transparent


def _band_to_rgb(band: Image.Image) -> tuple[Image.Image, bool]:
    if band.mode.startswith("I"):  # 16 bits of gray, which Pillow itself would clip at 255
        gray = (np.asarray(band).astype(np.float64).clip(0, 65535) / 257).round().astype(np.uint8)
        return Image.fromarray(gray).convert("RGB"), False
    if not band.has_transparency_data:
        return band.convert("RGB"), False
    layered = band.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", band.size, "white"), layered).convert("RGB")
    return flat, bool((np.asarray(layered.getchannel("A")) < 255).any())


def _shown(name: str) -> str:
    """A file name fit for a message: no folders, no control characters, at most 80 characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(character if character.isprintable() else "?" for character in last) or "The file"
    return clean if len(clean) <= 80 else f"{clean[:50]}...{clean[-25:]}"
