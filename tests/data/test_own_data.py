"""Own images as people have them: every name, size and format."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from vit.data import catalog
from vit.data.importing import import_as

NAMES = ("Mein Hündchen 🐶", "<img src=x onerror=alert(1)>", "$x$ [a](b) `c`")


def packed(format: str, mode: str, size: tuple[int, int], **options) -> bytes:
    """A picture of one gray, as a file."""
    buffer = io.BytesIO()
    gray = {"I;16": 40000, "CMYK": (0, 0, 0, 100), "P": 5, "1": 1, "RGBA": (155, 155, 155, 0)}.get(mode, 155)
    Image.new(mode, size, gray if mode in ("I;16", "CMYK", "P", "1", "RGBA", "L") else (155,) * 3).save(
        buffer, format, **options
    )
    return buffer.getvalue()


@pytest.fixture
def strange() -> dict[str, bytes]:
    """Three classes with names that try something, in every format, and files that can't be read."""
    frames = [Image.new("RGB", (40, 30), (shade,) * 3) for shade in (155, 0)]
    good = {
        "wide one.png": packed("PNG", "RGB", (90, 20)),
        "ünï çødé 😀.png": packed("PNG", "RGBA", (20, 90)),
        "16 bit.png": packed("PNG", "I;16", (31, 17)),
        "cmyk.jpg": packed("JPEG", "CMYK", (64, 48)),
        "gif ![](http:x).gif": packed("GIF", "RGB", (40, 30), save_all=True, append_images=frames[1:]),
        "%2e%2e%2fetc.bmp": packed("BMP", "1", (12, 13)),
        "-rf ~ * ?.webp": packed("WEBP", "RGB", (33, 44)),
    }
    bad = {
        "cut <b>.jpg": packed("JPEG", "RGB", (64, 48))[:300],
        "empty $y$.png": b"",
        "page.png": b"<html><script>alert(1)</script>",
        "notes.txt": b"text",
    }
    return {f"{name}/{file}": data for name in NAMES for file, data in {**good, **bad}.items()}


def zipped_with(files: dict[str, bytes], path):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_own_images_of_every_kind_are_imported_and_what_was_left_out_is_named(strange, tmp_path, image):
    outside = {f"{NAMES[0]}/../../evil.png": image(0), "C:\\Users\\me\\evil.png": image(1), "/etc/evil.png": image(2)}
    info = import_as("own", zipped_with({**strange, **outside}, tmp_path / "own.zip"))
    assert info.classes == tuple(sorted(NAMES))
    assert info.counts == {"train": 7 * len(NAMES)}
    assert info.num_broken == 4 * len(NAMES) + len(outside)
    named = {name for name, _ in info.broken}
    assert {f"{NAMES[1]}/cut <b>.jpg", f"{NAMES[2]}/empty $y$.png", "/etc/evil.png"} <= named
    assert (info.sizes.smallest, info.sizes.largest) == ((12, 13), (64, 48))


def test_every_format_becomes_the_picture_it_shows(strange, tmp_path):
    import_as("own", zipped_with(strange, tmp_path / "own.zip"))
    first = catalog.load_images("own", "train", list(range(7)))
    shades = [int(np.asarray(sample.image).mean().round()) for sample in first]
    # RGB, transparent on white, 16 bits (40000 / 257), inverted black of 100 in 255, the first frame, white, RGB
    assert shades == [155, 255, 156, 155, 155, 255, 155]
    assert {sample.image.size for sample in first} == {(128, 128)}


def test_a_folder_gives_the_same_as_an_archive(strange, folder, tmp_path):
    from_folder = import_as("a", folder(strange))
    from_archive = import_as("b", zipped_with(dict(sorted(strange.items())), tmp_path / "own.zip"))
    assert from_folder.fingerprint == from_archive.fingerprint
    assert sorted(from_folder.broken) == sorted(from_archive.broken)
