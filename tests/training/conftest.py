"""Tiny real trainings: 8x8 pictures of three classes that a small model can tell apart."""

import pytest
import torch

from vit import config as configuration
from vit import paths
from vit.config import RunConfig
from vit.data.load import Dataset, Split
from vit.rules import validate
from vit.runs import launch
from vit.runs.directory import Run
from vit.training import worker
from vit.training.batches import RunData, prepare
from vit.training.loop import train
from vit.training.recorder import Recorder

CPU = torch.device("cpu")
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


def striped_pictures(count: int, seed: int) -> Split:
    """Noise with a bright band whose place is the class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    images = torch.randint(0, 120, (count, 3, 8, 8), generator=generator, dtype=torch.uint8)
    for place, label in enumerate(labels.tolist()):
        images[place, :, 2 * label + 1 : 2 * label + 3] += 110
    return Split(images, labels)


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return Dataset(
        "striped", ("top", "middle", "bottom"), striped_pictures(96, 0), striped_pictures(30, 1), "fingerprint"
    )


@pytest.fixture
def data(dataset) -> RunData:
    return prepare(dataset, tiny_config(), CPU)


def run_training(config: RunConfig, data: RunData, run_id: str, stop_at: int | None = None):
    """Train in this process with real files, from wherever the run stands: (run, session, outcome, plan)."""
    exists = (paths.runs_root() / run_id).exists()
    run = Run.find(run_id) if exists else launch.create(config, run_id)
    recorder = Recorder(run)
    plan = worker.make_plan(config, data, CPU, threads=1, recorder=recorder)
    recorder.begin(config, plan)
    session = worker.open_session(run, config, data, recorder)
    if stop_at is not None:
        recorder.take_command = lambda: "stop" if session.step >= stop_at else None
    return run, session, train(session, data, config, plan, recorder), plan
