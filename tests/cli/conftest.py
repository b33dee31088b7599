"""What the command line's tests share, because each process costs seconds: one home, and two tiny trained models."""

import subprocess
from pathlib import Path

import pytest
from PIL import Image
from shells import Shell, settings

from vit.__main__ import main
from vit.runs.directory import Run

COLORS = ("blue", "green", "red")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """One worker has all tests of the shell's home: another one would train its models once more."""
    for item in items:
        if "shell" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("shell"))


@pytest.fixture(scope="session")
def images(tmp_path_factory) -> Path:
    """Class folders of single colors, 12 pixels a side, with a split for testing."""
    folder = tmp_path_factory.mktemp("images")
    for split, count in (("train", 12), ("test", 4)):
        for place, color in enumerate(COLORS):
            (folder / split / color).mkdir(parents=True)
            for number in range(count):
                channels = [40 + 3 * number] * 3
                channels[2 - place] = 220
                Image.new("RGB", (12, 12), tuple(channels)).save(folder / split / color / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def shell(tmp_path_factory) -> Shell:
    return Shell(tmp_path_factory.mktemp("home"))


@pytest.fixture
def here(shell, monkeypatch, capsys):
    """Gives a command in this process, which is quicker, and returns what it prints on stdout."""
    monkeypatch.setenv("VIT_HOME", str(shell.home))

    def ask(*words) -> str:
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert code == 0, err
        return out

    return ask


@pytest.fixture(scope="session")
def trained(shell) -> subprocess.CompletedProcess:
    """What training ``base`` on shapes said."""
    return shell("train", "--preset", "tutorial", *settings(), "--steps", 3, "--run", "base", "--follow")


@pytest.fixture(scope="session")
def tuned(shell, trained, images) -> Run:
    """``base`` taught three colors at another image size."""
    start = ["--init", "base", "--data", images]
    shell.text("train", *start, *settings(model__image_size=12), "--steps", 3, "--run", "tuned", "--follow")
    return shell.run("tuned")
