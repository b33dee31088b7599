"""The facts of a run that findings are made of: from its metrics, its plan and its configuration."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from vit.config import RunConfig
from vit.doctor.findings import Settings, Start
from vit.runs.metrics import curve
from vit.runs.plan import Plan
from vit.text import percent

USUAL_LR = {"adamw": 1e-3, "muon": 6e-3, "sgd": 5e-2}  # of small models
SURE = 4  # standard errors
TRAIN_IMAGES = 48  # that are evaluated as validation images are
LATE, FEW_VALIDATIONS = 0.35, 3  # share of the run, and validations, before which "has not learned" says nothing
BEHIND = 0.06  # accuracy; three standard errors of that of the linear model
LOW_UPDATE = 2e-3  # of the weights' length, in one step
HALFWAY = 0.6  # after which too little of the run is left for a fork
GOOD = 0.9  # accuracy that leaves little to complain about
LEAST_GAIN = 0.03  # of the loss of a guess, below which nothing was learned


@dataclass(frozen=True)
class Case:
    """One run, and what can be read from its records.

    Attributes:
        rows: Of ``metrics.jsonl``, in the order of their steps.
        failure: Name of the error that ended the run; empty if none did.
    """

    rows: Sequence[dict]
    plan: Plan
    config: RunConfig
    failure: str = ""

    def values(self, metric: str) -> list[float]:
        return curve(self.rows, metric)[1]

    def latest(self, metric: str, count: int = 1) -> float | None:
        """Mean of the last values; None where there is none."""
        values = self.values(metric)[-count:]
        return statistics.fmean(values) if values else None

    def stays(self, metric: str, below: float, count: int = 3) -> bool:
        """Whether the last ``count`` values are all below a limit."""
        values = self.values(metric)[-count:]
        return len(values) == count and all(value < below for value in values)

    @cached_property
    def step(self) -> int:
        return int(self.rows[-1]["step"]) if self.rows else 0

    @property
    def progress(self) -> float:
        """Share of the steps done."""
        return self.step / self.plan.total_steps

    @property
    def lr(self) -> float:
        return self.config.train.lr

    @property
    def usual_lr(self) -> float:
        return USUAL_LR[self.config.train.optimizer]

    @cached_property
    def chance_accuracy(self) -> float:
        recorded = self.latest("chance_accuracy")
        return recorded if recorded and 0 < recorded < 1 else 1 / self.config.model.num_classes

    @cached_property
    def chance_loss(self) -> float:
        return self.latest("chance_loss") or math.log(self.config.model.num_classes)

    def above_chance(self, accuracy: float, images: int) -> bool:
        """Whether so many images show that an accuracy is no guess."""
        error = math.sqrt(self.chance_accuracy * (1 - self.chance_accuracy) / max(1, images))
        return accuracy > self.chance_accuracy + SURE * error

    @cached_property
    def best_accuracy(self) -> float:
        return max(self.values("val_accuracy"), default=0.0)

    @cached_property
    def has_learned(self) -> bool:
        """Whether any validation was better than a guess."""
        losses = self.values("val_loss")
        is_lower = bool(losses) and min(losses) < (1 - LEAST_GAIN) * self.chance_loss
        return is_lower and self.above_chance(self.best_accuracy, self.plan.num_val)

    @property
    def is_stuck(self) -> bool:
        """Whether the model should know something by now, and is not better than a guess."""
        return self.progress >= LATE and len(self.values("val_accuracy")) >= FEW_VALIDATIONS and not self.has_learned

    @property
    def is_failing(self) -> bool:
        """Whether it is stuck, or should be better than a linear model by now, and is clearly worse."""
        linear = self.latest("linear_accuracy") or 0.0
        is_late = self.progress >= LATE and len(self.values("val_accuracy")) >= FEW_VALIDATIONS
        return self.is_stuck or (is_late and self.best_accuracy < linear - BEHIND)

    @property
    def outcome(self) -> str:
        """``val accuracy is 10.3% where guessing reaches 10.0%``, or a linear model more."""
        now, linear = self.latest("val_accuracy") or 0.0, self.latest("linear_accuracy") or 0.0
        if self.is_stuck or linear <= now:
            return f"val accuracy is {percent(now)} where guessing reaches {percent(self.chance_accuracy)}"
        return f"val accuracy is {percent(now)} where a linear model on thumbnails reaches {percent(linear)}"

    @property
    def start_over(self) -> Start:
        """Where a remedy begins: a fork where enough of the run is left, and there is something worth keeping."""
        return "last" if self.has_learned and self.progress < HALFWAY else "new"

    @property
    def lower_lr(self) -> float:
        """The usual learning rate if this one is far above it, else a fifth of this one."""
        return self.usual_lr if self.lr > 3 * self.usual_lr else float(f"{self.lr / 5:.2g}")

    def differing(self, settings: Settings) -> Settings:
        """Those that the run doesn't have already."""
        raw = self.config.to_json()
        return {
            name: value
            for name, value in settings.items()
            if raw[name.partition(".")[0]][name.partition(".")[2]] != value
        }

    @property
    def gap(self) -> float | None:
        """How much better train images are known than validation images, lately; both without augmentation."""
        train, val = self.latest("clean_train_accuracy", 2), self.latest("val_accuracy", 2)
        return None if train is None or val is None else train - val

    @cached_property
    def peak_update(self) -> float | None:
        """The largest of the measured updates, in lengths of the weights."""
        return max(self.values("update_ratio"), default=None)

    @cached_property
    def lr_sum(self) -> float:
        """The learning rates of all steps so far, added up."""
        train, plan = self.config.train, self.plan
        every = max(1, self.step // 100)
        return every * sum(
            train.lr_at(step, plan.total_steps, plan.warmup_steps) for step in range(0, self.step, every)
        )
