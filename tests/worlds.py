"""Run directories as a worker leaves them, written by hand, so that a screen can be shown in any state."""

import time
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
from builders import model_info, prefixed, vision_transformer
from filelock import FileLock
from PIL import Image

from vit import checkpoint, files, presets
from vit.data import catalog
from vit.data.shapes import CLASSES
from vit.rules import validate
from vit.runs import launch
from vit.runs.directory import Run
from vit.runs.plan import Plan, write_plan
from vit.runs.status import Status, write_status

TOTAL_STEPS, STEPS_PER_EPOCH = 1000, 250
NUM_TRACKED, GRID, SIDE = 8, 4, 16


def config(**overrides):
    """The one-minute preset on shapes, with dotted overrides such as ``{"train.lr": 0.1}``."""
    return validate(presets.build("1-minute", {"data.source": "shapes", **overrides}))


def written_run(run_id: str, phase: str = "finished", step: int = TOTAL_STEPS, **status) -> Run:
    """A run with its plan, curves, tracked images and events up to a step; ``status`` adds to its status."""
    run = launch.create(config(), run_id)
    lengths = {"total_steps": TOTAL_STEPS, "total_epochs": TOTAL_STEPS / STEPS_PER_EPOCH}
    now = {"phase": phase, "step": step, "epoch": step / STEPS_PER_EPOCH, "seconds": step / 10, "updated": time.time()}
    write_status(run, Status(**{**now, **lengths, "best_val_accuracy": accuracy_at(step), **status}))
    write_plan(run, plan())
    run.metrics_path.touch()
    for at in range(10, step + 1, 10):
        grow(run, at)
    files.append_line(run.events_path, {"time": time.time(), "step": 0, "kind": "started", "text": "Training began."})
    run.log_path.write_text("[step 0] Training began.\n")
    return run


def plan() -> Plan:
    return Plan(
        total_steps=TOTAL_STEPS,
        steps_per_epoch=STEPS_PER_EPOCH,
        warmup_steps=100,
        eval_steps=100,
        num_train=10_000,
        num_val=2_000,
        num_test=2_000,
        classes=CLASSES,
        mean=(0.5,) * 3,
        std=(0.2,) * 3,
        data_name="shapes",
        data_fingerprint=catalog.SHAPES.fingerprint,
        tracked=tuple(range(NUM_TRACKED)),
        tracked_labels=tuple(range(NUM_TRACKED)),
        grid_size=GRID,
        device="cpu",
        device_name="CPU",
        precision="fp32",
        threads=2,
        torch="2.13.0",
        images_per_second=None,
        minutes=1.0,
    )


def grow(run: Run, step: int) -> None:
    """Append what a worker writes at a step: training figures, and a validation every hundred steps."""
    where = {"v": 1, "step": step, "epoch": step / STEPS_PER_EPOCH, "time": step / 10, "images": 64 * step}
    training = {"train_loss": 2.3 - step / 700, "lr": 1e-3, "images_per_second": 640.0, "grad_norm": 1.5}
    files.append_line(run.metrics_path, where | training)
    if step % 100 == 0:
        files.append_line(run.metrics_path, where | {"val_loss": 2.2 - step / 800, "val_accuracy": accuracy_at(step)})
        track(run, step)


def accuracy_at(step: int) -> float:
    return 0.1 + 0.6 * step / TOTAL_STEPS


def track(run: Run, step: int) -> None:
    """Tracked images whose right class gets likelier with every step."""
    if not run.tracked_image_path.exists():
        noise = np.random.default_rng(0).integers(0, 256, (SIDE, NUM_TRACKED * SIDE, 3), np.uint8)
        Image.fromarray(noise).save(run.tracked_image_path)
    right = accuracy_at(step)
    rows = np.full((NUM_TRACKED, len(CLASSES)), (1 - right) / (len(CLASSES) - 1))
    np.fill_diagonal(rows, right)
    attention = np.random.default_rng(step).dirichlet(np.ones(GRID**2), NUM_TRACKED)
    row = {"step": step, "epoch": step / STEPS_PER_EPOCH}
    files.append_line(run.tracked_path, row | {"probabilities": rows.tolist(), "attention": attention.tolist()})


def small_saved(run: Run, step: int) -> None:
    """Add one to the series of small checkpoints."""
    run.series_path.mkdir(exist_ok=True)
    saved(run, step, seed=step, folder=f"{run.series_path.name}/")


def saved(run: Run, step: int, image_size: int = 16, seed: int = 0, folder: str = "", **model_fields) -> None:
    """Give a run a real checkpoint: a tiny model of the classes of shapes; another seed, other weights."""
    fields = {"image_size": image_size, "patch_size": 4, "num_classes": len(CLASSES), **model_fields}
    model = vision_transformer(seed, **fields)
    metrics = {"val_accuracy": accuracy_at(step), "val_loss": 1.0}
    where = {"step": step, "epoch": step / STEPS_PER_EPOCH}
    info = replace(model_info(model, CLASSES), metrics=metrics, data={"name": "shapes"}, **where)
    checkpoint.save(run.checkpoints_path / f"{folder}step-{step}.safetensors", prefixed(model), info)


def held(run: Run, stack: ExitStack) -> None:
    """Hold a run's lock as its worker would, until the stack closes."""
    stack.enter_context(FileLock(run.lock_path))
