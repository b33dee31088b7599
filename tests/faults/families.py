"""The families of hostile cases: (name, what prepares a case and returns what to attempt) by turns."""

import random
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from hostile_archives import hostile_archives
from hostile_checkpoints import hostile_checkpoints
from hostile_images import hostile_images
from image_files import encode, noise
from PIL import Image

from vit import checkpoint, images
from vit.data import importing

Cases = Iterator[tuple[str, Callable[[], Callable]]]
warnings.simplefilter("ignore")


def pictures(_: Path) -> Cases:
    for name, make in hostile_images():

        def prepare(make=make):
            data = make()
            return lambda: images.decode(data, "a").image.size

        yield name, prepare


def mutated_pictures(_: Path) -> Cases:
    """Three thousand small images of every format, each damaged in one to thirty places."""
    originals = small_images()
    for seed in range(3000):

        def prepare(seed=seed):
            data = mutated(originals[seed % len(originals)], random.Random(seed))
            return lambda: images.decode(data, "a").image.size

        yield f"mutation {seed}", prepare


def small_images() -> list[bytes]:
    picture, gray = noise(48), noise(48).convert("L")
    frames = [Image.new("P", (16, 16), value) for value in (1, 2, 3)]
    options = {"save_all": True, "append_images": frames[1:]}
    exif = Image.Exif()
    exif[0x112] = 6
    return [
        encode(picture, "PNG"),
        encode(picture.convert("P"), "PNG", transparency=2),
        encode(picture.convert("RGBA"), "PNG", exif=exif),
        encode(gray.convert("I;16"), "PNG"),
        encode(frames[0], "PNG", **options),
        encode(picture, "JPEG", exif=exif),
        encode(picture, "JPEG", progressive=True),
        encode(picture.convert("CMYK"), "JPEG", restart_marker_blocks=2),
        encode(picture, "WEBP"),
        encode(picture.convert("RGBA"), "WEBP", lossless=True, exif=exif),
        encode(frames[0], "WEBP", **options),
        encode(picture, "BMP"),
        encode(gray, "BMP"),
        encode(picture.convert("P"), "GIF"),
        encode(frames[0], "GIF", **options),
    ]


def mutated(data: bytes, chosen: random.Random) -> bytes:
    """Bytes changed, taken out, repeated or set to extremes; the first 64, where sizes are, more often."""
    content = bytearray(data)
    for _ in range(chosen.choice([1, 1, 2, 4, 8, 30])):
        place = chosen.randrange(min(64, len(content)) if chosen.random() < 0.4 else len(content))
        action = chosen.randrange(5)
        if action == 0:
            content[place] = chosen.randrange(256)
        elif action == 1:
            content[place : place + 4] = chosen.choice(
                [b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff", b"\0\0\x20\0"]
            )
        elif action == 2:
            del content[place : place + chosen.randrange(1, 40)]
        elif action == 3:
            content[place:place] = content[place : place + chosen.randrange(1, 400)] * chosen.choice([1, 2, 50])
        else:
            content[place] ^= 1 << chosen.randrange(8)
        content = content or bytearray(data)
    return bytes(content)


def checkpoints(folder: Path) -> Cases:
    path = folder / "model.safetensors"
    for name, write in hostile_checkpoints(folder / "canary"):

        def prepare(write=write):
            path.unlink(missing_ok=True)
            write(path)
            return lambda: checkpoint.load_model(path)

        yield name, prepare


def archives(folder: Path) -> Cases:
    for number, (name, suffix, write) in enumerate(hostile_archives()):

        def prepare(number=number, suffix=suffix, write=write):
            path = folder / f"archive{number}{suffix}"
            write(path)

            def work():
                try:
                    return importing.import_as(f"set{number}", path).counts
                finally:
                    path.unlink()

            return work

        yield name, prepare
