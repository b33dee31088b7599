"""From a file's bytes to the image a model sees. Pillow and numpy only.

An image is either decoded completely and upright, or refused with a sentence; nothing is guessed or half shown.
"""

import io
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from PIL.Image import Resampling

from vit.errors import ImageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
FORMAT_WORDS = "PNG, JPEG, WebP, BMP or GIF"
MAX_PIXELS = 50_000_000
# What Pillow's readers raise on damaged files; SyntaxError is its word for a bad header.
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, OverflowError, struct.error, zlib.error)
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


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
        ImageError: If it is empty, not such an image, damaged, incomplete or above 50 megapixels.
    """
    shown = _shown(name)
    if not data:
        raise ImageError(f"{shown} is empty: choose the original file again.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:  # by the header, before anything is allocated
                raise Image.DecompressionBombError
            if not image.width * image.height:
                raise ImageError(f"{shown} has no pixels: choose another image.")
            return _convert(image)
    except ImageError:  # is a ValueError itself
        raise
    except BOMBS as error:
        words = f"{shown} has more than {MAX_PIXELS // 10**6} megapixels: scale it down first."
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
    notes = []
    image.load()
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        notes.append(f"first of {frames} frames")
    with suppress(*DAMAGE):  # an orientation that can't be read or is unknown is none
        ImageOps.exif_transpose(image, in_place=True)
    flat, is_transparent = _to_rgb(image)
    if is_transparent:
        notes.append("transparent parts shown on white")
    flat.info = {}  # EXIF holds places and times that are nobody's business
    return DecodedImage(flat, "; ".join(notes) or None)


def _to_rgb(image: Image.Image) -> tuple[Image.Image, bool]:
    """An RGB copy, and whether anything transparent was laid on white."""
    if image.mode.startswith("I"):  # 16 bits of gray, which Pillow itself would clip at 255
        gray = (np.asarray(image).astype(np.float64).clip(0, 65535) / 257).round().astype(np.uint8)
        return Image.fromarray(gray).convert("RGB"), False
    if not image.has_transparency_data:
        return image.convert("RGB"), False
    layered = image.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", image.size, "white"), layered).convert("RGB")
    return flat, bool((np.asarray(layered.getchannel("A")) < 255).any())


def _shown(name: str) -> str:
    """A file name fit for a message: no folders, no control characters, at most 80 characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(character if character.isprintable() else "?" for character in last) or "The file"
    return clean if len(clean) <= 80 else f"{clean[:50]}...{clean[-25:]}"
