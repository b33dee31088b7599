"""Tiny real runs whose code is taken away, and a process that knows nothing of this project to run it in."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.data.conftest import real_data as real_data  # a fixture
from tests.training.conftest import folder as folder  # a fixture
from tests.training.conftest import tiny_config
from vit.config import RunConfig
from vit.export.twin import package, recipe
from vit.runs import launch
from vit.runs.directory import Run
from vit.runs.metrics import curve, read_metrics
from vit.training import worker
from vit.training.recorder import Recorder

STRANGER = """
import json, runpy, sys
script = runpy.run_path("train.py")["losses"]
namespace = {}
for cell in json.load(open("train.ipynb"))["cells"]:
    if cell["cell_type"] == "code":
        exec(cell["source"], namespace)
assert not {"vit", "pydantic", "safetensors"} & set(sys.modules)
print(json.dumps([[loss.item() for loss in losses] for losses in (script, namespace["losses"])]))
"""


@pytest.fixture
def trained(home, folder):
    """Train in this process, with a row of metrics for every step: the run of dotted settings."""

    def train(settings: dict) -> Run:
        named = {"data.source": str(folder), "train.eval_every": 1, "train.steps": 20} | settings
        return trained_run(tiny_config(**{name.replace(".", "__"): value for name, value in named.items()}))

    return train


def trained_run(config: RunConfig, run_id: str = "one") -> Run:
    """A whole run, from its plan to its test, in this process."""
    run = launch.create(config, run_id)
    worker.train(run, config, Recorder(run))
    return run


def losses(run: Run) -> list[float]:
    """The loss of each step of a run that was validated after each."""
    steps, values = curve(read_metrics(run), "train_loss")
    assert steps == list(range(1, len(steps) + 1))
    return values


def unpacked(run: Run, place: Path) -> None:
    """Script, notebook and what they read, in an empty folder."""
    place.mkdir()
    for kind in package.NAMES:
        content = io.BytesIO()
        package.write(recipe.of_run(run), kind, content)
        zipfile.ZipFile(content).extractall(place)


def strangers_losses(place: Path) -> tuple[list[float], list[float]]:
    """The losses of the script and of the notebook, run where neither this project nor its packages are on the path."""
    done = subprocess.run([sys.executable, "-I", "-c", STRANGER], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return tuple(json.loads(done.stdout.splitlines()[-1]))
