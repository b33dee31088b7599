"""A person's own images, with names that try something, from the import to a prediction."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.training.conftest import CPU, run_training, tiny_config
from vit.__main__ import main
from vit.data import load
from vit.data.importing import import_as
from vit.training.batches import prepare

NAMES = ("$x$ ![](http:x)", "<img src=x onerror=alert(1)>", "Mein Hündchen 🐶")


def picture(label: int, seed: int) -> Image.Image:
    """Noise in which one channel is brighter: red, green or blue is the class; every class has its own size."""
    pixels = np.random.default_rng(seed).integers(0, 120, (30, 30 + 10 * label, 3), np.uint8)
    pixels[..., label] += 110
    return Image.fromarray(pixels)


@pytest.fixture
def archive(tmp_path):
    """Three classes of pictures, and a file that is no image."""
    path = tmp_path / "Meine Bilder.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for split, count in (("train", 48), ("test", 12)):
            for seed in range(count):
                with packed.open(f"{split}/{NAMES[seed % 3]}/Bild {seed} ü.png", "w") as file:
                    picture(seed % 3, seed).save(file, "PNG")
        packed.writestr(f"train/{NAMES[0]}/<b>.jpg", b"no image")
    return path


def test_own_images_train_and_are_evaluated_and_predicted_by_their_names(home, archive, tmp_path, capsys):
    info = import_as("own", archive)
    assert [name for name, _ in info.broken] == [f"train/{NAMES[0]}/<b>.jpg"]
    config = tiny_config(data__source="own", train__steps=20, train__lr=1e-2, data__val_size=6)
    run, *_ = run_training(config, prepare(load.load("own", 8), config, CPU), "own-run")
    capsys.readouterr()
    assert main(["evaluate", run.id, "--data", "own", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] > 0.9  # by chance it would be 0.33
    path = tmp_path / "green.png"
    picture(1, 99).save(path)
    assert main(["predict", run.id, str(path), "--json"]) == 0
    ((entry),) = json.loads(capsys.readouterr().out)
    assert entry["predictions"][0]["class"] == NAMES[1]
    assert main(["predict", run.id, str(path)]) == 0
    assert NAMES[1] in capsys.readouterr().out
