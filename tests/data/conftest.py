"""Tiny real images, folders and archives; every test gets a home of its own."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TEST_DATA = "VIT_TEST_DATA"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("VIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def image():
    """Makes the bytes of a PNG: plain noise of a given size."""

    def make(seed: int = 0, width: int = 8, height: int = 8, format: str = "PNG") -> bytes:
        pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format)
        return buffer.getvalue()

    return make


@pytest.fixture
def class_files(image) -> dict[str, bytes]:
    """Three images of cats and three of dogs, in class folders."""
    return {f"{name}/{i}.png": image(10 * k + i) for k, name in enumerate(("cat", "dog")) for i in range(3)}


@pytest.fixture
def folder(tmp_path):
    """Writes files given as {name: content} into a folder."""

    def write(files: dict[str, bytes], name: str = "images") -> Path:
        for relative, content in files.items():
            path = tmp_path / name / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path / name

    return write


@pytest.fixture
def tar(tmp_path):
    """Writes a tar of {name: content} and further raw members."""

    def write(files: dict[str, bytes], members=(), name: str = "images.tar.gz") -> Path:
        with tarfile.open(tmp_path / name, f"w:{name.rsplit('.', 1)[-1]}".replace("w:tar", "w")) as archive:
            for relative, content in files.items():
                info = tarfile.TarInfo(relative)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            for member in members:
                archive.addfile(member)
        return tmp_path / name

    return write


@pytest.fixture
def zipped(tmp_path):
    """Writes a zip of {name: content}."""

    def write(files: dict[str, bytes], name: str = "images.zip") -> Path:
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for relative, content in files.items():
                archive.writestr(relative, content)
        return tmp_path / name

    return write


@pytest.fixture
def real_data():
    """Finds an archive of real images in the folder that VIT_TEST_DATA names; the test is skipped without one."""

    def find(pattern: str, origin: str) -> Path:
        folder = os.environ.get(TEST_DATA)
        found = sorted(Path(folder).glob(pattern)) if folder else []
        if not found:
            pytest.skip(f"needs {pattern} ({origin}): put it into a folder and set {TEST_DATA} to that folder")
        return found[0]

    return find
