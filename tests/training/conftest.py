"""Tiny real trainings: 8x8 images of three classes that a small model can tell apart."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vit import checkpoint, paths
from vit import config as configuration
from vit.config import RunConfig
from vit.data.load import Dataset, Split
from vit.rules import validate
from vit.runs import launch
from vit.runs.changes import Course
from vit.runs.directory import Run
from vit.runs.status import state_of
from vit.training import planning, worker
from vit.training.batches import RunData, prepare
from vit.training.loop import fit
from vit.training.recorder import Recorder

CPU = torch.device("cpu")
TIMEOUT = 120  # seconds; a busy machine needs 10 to import torch alone
TINY = {
    "model.image_size": 8,
    "model.patch_size": 2,
    "model.embed_dim": 16,
    "model.depth": 2,
    "model.num_heads": 2,
    "model.num_classes": 3,
    "data.val_size": 12,
    "augment.crop_padding": 1,
    "train.epochs": None,
    "train.steps": 12,
    "train.batch_size": 16,
    "train.eval_every": 4,
    "train.save_every": 86_000,
    "train.device": "cpu",
    "train.threads": 1,
}
EVERYTHING = {
    "model.pos_embed": "rope",
    "model.patch_drop_rate": 0.3,
    "model.drop_rate": 0.1,
    "model.attn_drop_rate": 0.1,
    "model.drop_path_rate": 0.2,
    "augment.color_jitter": 0.2,
    "augment.rand_augment": 5,
    "augment.random_erasing": 0.3,
    "augment.mixup_alpha": 0.4,
    "augment.cutmix_alpha": 0.4,
    "train.ema_decay": 0.9,
}


def tiny_config(**overrides) -> RunConfig:
    """A checked configuration; keywords have ``__`` for the dot: ``train__lr=0.1``."""
    dotted = {name.replace("__", "."): value for name, value in overrides.items()}
    return validate(configuration.merge(RunConfig().to_json(), TINY | dotted))


def striped_images(count: int, seed: int) -> Split:
    """Noise with a bright band whose place is the class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    images = torch.randint(0, 120, (count, 3, 8, 8), generator=generator, dtype=torch.uint8)
    for place, label in enumerate(labels.tolist()):
        images[place, :, 2 * label + 1 : 2 * label + 3] += 110
    return Split(images, labels)


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return Dataset("striped", ("top", "middle", "bottom"), striped_images(96, 0), striped_images(30, 1), "fingerprint")


@pytest.fixture
def data(dataset) -> RunData:
    return prepare(dataset, tiny_config(), CPU)


def run_training(config: RunConfig, data: RunData, run_id: str, stop_at: int | None = None, save_at: int = -1):
    """Train in this process with real files, from wherever the run stands: (run, state, outcome, plan)."""
    exists = (paths.runs_root() / run_id).exists()
    run = Run.find(run_id) if exists else launch.create(config, run_id)
    recorder = Recorder(run)
    plan = planning.make_plan(config, data, CPU, "fp32", recorder)
    course = Course(run, config, plan)
    recorder.begin(course)
    state = worker.open_state(run, config, data, recorder)
    asked = {stop_at: "stop", save_at: "save"}
    if stop_at is not None or save_at >= 0:
        recorder.take_command = lambda state, words=None: asked.pop(state.step, None)
    return run, state, fit(state, data, course, recorder), plan


@pytest.fixture
def folder(tmp_path) -> Path:
    """The striped images as an image folder of a person's own."""
    for split, count, seed in (("train", 96, 0), ("test", 30, 1)):
        images = striped_images(count, seed)
        for place, (image, label) in enumerate(zip(images.images, images.labels.tolist(), strict=True)):
            path = tmp_path / "images" / split / f"class-{label}" / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.ascontiguousarray(image.permute(1, 2, 0).numpy())).save(path)
    return tmp_path / "images"


def wait_for(condition, run):
    """Poll until a condition holds; show the log if it doesn't."""
    deadline = time.monotonic() + TIMEOUT
    while not (value := condition()):
        assert time.monotonic() < deadline, run.log_path.read_text()
        time.sleep(0.02)
    return value


def ended(run) -> str:
    """Wait for the end and give the state; the process is reaped, too."""
    wait_for(lambda: not state_of(run).is_alive, run)
    return state_of(run).state


def weights(run) -> dict[str, torch.Tensor]:
    return checkpoint.load(run.checkpoint_path("last"))[0]
