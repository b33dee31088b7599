"""Recorded runs, from which it is told what to expect of another: those that come with the project, and those here.

``recorded.json`` is made by ``bench/record.py``. Of the runs of this home those count that are finished and were
trained as their configuration says: not forked, not changed on the way, not ended early.
"""

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from vit import paths
from vit.config import RunConfig, field_names, merge, share_or_count
from vit.errors import VitError
from vit.rules import read
from vit.runs.directory import Positive, Record, Run, Share
from vit.runs.metrics import read_metrics
from vit.runs.plan import Plan, read_plan
from vit.runs.status import Status, all_runs, read_status

TABLE = Path(__file__).with_name("recorded.json")
MOST_POINTS = 20  # of a curve

# How unlike two runs are that differ in a setting, in units in which runs one apart tell little of each other:
# per factor of two, per unit, or for being another value. Speed, length and seed say nothing about the recipe.
PER_FACTOR = {
    "model.image_size": 1.0,
    "model.patch_size": 0.4,
    "model.embed_dim": 0.25,
    "model.depth": 0.2,
    "model.num_heads": 0.1,
    "model.mlp_ratio": 0.1,
    "train.batch_size": 0.15,
    "train.lr": 0.25,
}
PER_IMAGES = 0.3  # per factor of two of training images
PER_UNIT = {
    "model.reg_tokens": 0.05,
    "model.patch_drop_rate": 0.5,
    "model.drop_rate": 3.0,
    "model.attn_drop_rate": 3.0,
    "model.drop_path_rate": 2.0,
    "augment.crop_padding": 0.05,
    "augment.color_jitter": 0.5,
    "augment.rand_augment": 0.05,
    "augment.random_erasing": 0.5,
    "augment.mixup_alpha": 0.3,
    "augment.cutmix_alpha": 0.3,
    "train.weight_decay": 1.0,
    "train.momentum": 1.0,
    "train.warmup": 0.5,
    "train.label_smoothing": 0.5,
    "train.ema_decay": 0.2,
}
PER_CHOICE = {
    "model.qkv_bias": 0.1,
    "model.pool": 0.3,
    "model.pos_embed": 0.5,
    "model.stem": 0.8,
    "augment.flip": 0.2,
    "train.optimizer": 0.8,
    "train.whiten": 0.4,
    "train.schedule": 0.2,
    "train.grad_clip": 0.2,
    "init.checkpoint": 100.0,
    "init.trainable": 100.0,
    "init.frozen_blocks": 100.0,
    "init.layer_decay": 100.0,
}


class Experience(Record):
    """What one run has shown.

    Attributes:
        run: Its name, and where it was trained if not here.
        settings: By dotted name, where they are not the default.
        classes: Names of the classes of its data.
        images: Of its data, those that train and validation share.
        epochs: Passes over the training split.
        val_accuracy: The best one, 0..1.
        test_accuracy: Of the checkpoint that reached it; None if there is no test split.
        seconds: Spent training.
        curve: (share of the run, validation accuracy); empty for a run of this home, whose metrics have it.
    """

    run: str
    settings: dict[str, JsonValue]
    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    images: Positive
    epochs: Annotated[float, Field(gt=0)]
    val_accuracy: Share
    test_accuracy: Share | None = None
    seconds: float = 0.0
    curve: tuple[tuple[Share, Share], ...] = ()

    @functools.cached_property
    def config(self) -> RunConfig:
        return RunConfig.model_validate(merge(RunConfig().to_json(), self.settings))

    @property
    def num_val(self) -> int:
        return self.config.data.num_val(self.images)


_TABLE = TypeAdapter(list[Experience])


def of_data(classes: tuple[str, ...], images: int) -> list[Experience]:
    """All that was recorded on a data set, known by its classes and its number of training images."""
    return [seen for seen in (*shipped(), *here()) if seen.classes == classes and seen.images == images]


@functools.cache
def shipped() -> list[Experience]:
    """The runs that come with the project."""
    return _TABLE.validate_json(TABLE.read_bytes())


def here() -> list[Experience]:
    """The finished runs of this home; a run is read again only after its status has changed."""
    found = []
    for run in all_runs():
        try:
            found.append(_recorded(run, run.status_path.stat().st_mtime_ns))
        except OSError:
            continue
    return [seen for seen in found if seen]


@functools.lru_cache(maxsize=4096)
def _recorded(run: Run, modified: int) -> Experience | None:
    return recorded(run)


def recorded(run: Run) -> Experience | None:
    """What a run has shown; None unless it is finished and was trained as its configuration says."""
    status = read_status(run)
    if status.phase != "finished" or run.fork_path.exists() or run.changes_path.exists():
        return None
    try:
        config, plan = read(run.config_path), read_plan(run)
        return _experience(run, config, plan, status) if plan and status.step == plan.total_steps else None
    except (VitError, ValidationError):
        return None


def _experience(run: Run, config: RunConfig, plan: Plan, status: Status) -> Experience:
    return Experience(
        run=run.id,
        settings=differing(config),
        classes=plan.classes,
        images=plan.num_train + plan.num_val,
        epochs=plan.total_epochs,
        val_accuracy=status.best_val_accuracy or 0.0,
        test_accuracy=status.test.accuracy if status.test else None,
        seconds=status.seconds,
    )


def differing(config: RunConfig) -> dict[str, JsonValue]:
    """The settings that decide what is learned, where they are not the default."""
    flat, default = _flat(config.to_json()), _flat(RunConfig().to_json())
    weighed = {*PER_FACTOR, *PER_UNIT, *PER_CHOICE, "data.val_size"}
    return {name: value for name, value in flat.items() if name in weighed and value != default[name]}


def points(seen: Experience) -> list[tuple[float, float]]:
    """The curve of a recorded run: (share of the run, validation accuracy)."""
    return list(seen.curve) or run_points(Run(paths.runs_root() / seen.run))


def run_points(run: Run) -> list[tuple[float, float]]:
    """The same from a run's metrics, thinned."""
    steps, values = read_metrics(run).points("val_accuracy", "step")
    found = [(round(step / steps[-1], 4), value) for step, value in zip(steps, values, strict=True) if 0 <= value <= 1]
    every = max(1, -(-len(found) // MOST_POINTS))
    return found[::-1][::every][::-1]  # the end is always among them


def distances(one: tuple[np.ndarray, np.ndarray], others: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """How unlike a recipe is to each of ``others`` (n,), all as ``place`` returns them: the sum of the differences."""
    numbers, choices = (np.stack(part) for part in zip(*others, strict=True))
    weights = np.array(list(PER_CHOICE.values()))
    return np.abs(numbers - one[0]).sum(1) + (choices != one[1]) @ weights


def place(config: RunConfig, images: int) -> tuple[np.ndarray, np.ndarray]:
    """A recipe as numbers, scaled so that their differences can be added, and as choices."""
    flat = _flat(config.to_json())
    steps = max(1, images // config.train.batch_size)
    flat["train.warmup"] = share_or_count(config.train.warmup, steps) / steps  # a count as a share of an epoch
    numbers = [PER_IMAGES * math.log2(max(1, images - config.data.num_val(images)))]
    numbers += [weight * math.log2(flat[name]) for name, weight in PER_FACTOR.items()]
    numbers += [weight * float(flat[name]) for name, weight in PER_UNIT.items()]
    return np.array(numbers), np.array([str(flat[name]) for name in PER_CHOICE])


def _flat(raw: Mapping[str, dict]) -> dict:
    """Every setting by its dotted name."""
    return {name: raw[name.partition(".")[0]][name.partition(".")[2]] for name in field_names()}
