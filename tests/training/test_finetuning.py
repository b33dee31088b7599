"""From the built-in shapes to a person's own three classes at another size: better than from scratch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vit.data import shapes
from vit.runs.directory import Run, read_lines
from vit.runs.status import state_of

pytestmark = pytest.mark.slow
MODEL = ("model.stem=patch", "model.patch_size=4", "model.embed_dim=64", "model.pool=cls", "train.optimizer=muon")
QUICK = ("train.lr=3e-3", "train.batch_size=32", "augment.flip=none", "train.eval_every=10000")


def vit_train(*arguments: str) -> Run:
    """Train through the command line and wait for the end."""
    command = [sys.executable, "-m", "vit", "train", "--preset", "tutorial", "--follow", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Run.find(done.stdout.strip())


def settings(*assignments: str) -> list[str]:
    return [part for assignment in assignments for part in ("--set", assignment)]


@pytest.fixture
def own_images(tmp_path) -> Path:
    """Few images of three shapes at 48 px, drawn from a seed that the shapes model has never seen."""
    folder = tmp_path / "images"
    for split, count, seed in (("train", 400, 11), ("test", 600, 12)):
        images, labels, _ = shapes.render(np.arange(count), 48, seed=seed, split="train")
        for place, (image, label) in enumerate(zip(images, labels, strict=True)):
            if label < 3:
                path = folder / split / shapes.CLASSES[label] / f"{place}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image.transpose(1, 2, 0)).save(path)
    return folder


def test_a_shapes_model_is_a_better_start_than_random_weights(home, own_images):
    first = vit_train("--data", "shapes", "--steps", "600", *settings(*MODEL, *QUICK), "--run", "shapes-model")
    budget = ["--data", str(own_images), "--steps", "60", *settings(*QUICK, "model.image_size=48", "train.lr=1e-3")]
    tuned = vit_train(*budget, "--init", first.id, "--run", "tuned")
    scratch = vit_train(*budget, *settings(*MODEL), "--run", "scratch")

    report = next(event["text"] for event in read_lines(tuned.events_path) if event["kind"] == "transferred")
    assert "resized: pos_embed 8x8 to 12x12" in report
    assert "new: head.weight, head.bias" in report
    assert 0 < state_of(tuned).status.first_val_accuracy < 0.7  # with a head that knows nothing yet
    assert state_of(scratch).status.first_val_accuracy is None
    accuracy = {run.id: state_of(run).status.test.accuracy for run in (tuned, scratch)}
    assert accuracy["tuned"] > accuracy["scratch"] + 0.1, accuracy
