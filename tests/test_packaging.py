"""What ``pip install .`` gives: the engine, its command line and the shipped models, without Streamlit."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from vit import paths

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
METADATA = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory) -> Path:
    """A folder with the contents of the project's wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site-packages")
    return folder / "site-packages"


@pytest.fixture
def installed(site_packages, tmp_path):
    """Runs the installed package's command line, from a folder that is neither the project nor the package."""
    environment = {name: value for name, value in os.environ.items() if name != "VIT_HOME"}
    environment |= {"PYTHONPATH": str(site_packages), "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}

    def run(*words: str) -> subprocess.CompletedProcess:
        command = "from vit.__main__ import main; raise SystemExit(main())"
        options = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True}
        return subprocess.run([sys.executable, "-c", command, *words], **options)

    return run


def test_the_wheel_holds_the_engine_and_no_screen(site_packages):
    folders = {path.name for path in site_packages.iterdir() if path.is_dir() and not path.name.endswith("dist-info")}
    assert folders == {"vit"}


def test_a_shipped_model_predicts_a_sample_from_any_directory(installed, site_packages):
    done = installed("predict", "cifar10-hybrid", str(site_packages / "vit/samples/cat.jpg"), "--top", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["predictions"][0]["class"] == "cat"


def test_an_installed_package_keeps_runs_in_the_users_home(installed, tmp_path):
    done = installed("train", "--data", "shapes", "--steps", "1", "--run", "first", "--prepare")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == (tmp_path / ".vit-lab/checkpoints/first").resolve()


def test_a_checkout_is_its_own_home(monkeypatch):
    monkeypatch.delenv("VIT_HOME", raising=False)
    assert paths.home() == ROOT


def test_the_command_is_the_command_line():
    assert METADATA["scripts"] == {"vit": "vit.__main__:main"}
