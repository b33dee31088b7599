"""A recipe that fails on purpose and its repairs, one after the other, as ``bench/repair.py`` has recorded them."""

import statistics
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from vit.runs.directory import Record, read_json

PRESET = "fails"
RECORDED = Path(__file__).resolve().parents[2] / "bench" / "results" / "repair.json"


@dataclass(frozen=True)
class Rung:
    """One change to the recipe before it: how it is called, why it should help, and the setting."""

    name: str
    why: str
    settings: dict[str, object] = field(default_factory=dict, hash=False)


RUNGS = (
    Rung("Fails", "A high learning rate from the first step on, without warm-up and without clipping."),
    Rung(
        "Clip",
        "Gradients longer than 1 are scaled down to 1. AdamW divides each gradient by its usual size anyway, so this "
        "changes little.",
        {"train.grad_clip": 1.0},
    ),
    Rung(
        "Warm up",
        "The learning rate rises over the first tenth of the run. The jump at the start is smaller; then the rate is "
        "as high as before.",
        {"train.warmup": 0.1},
    ),
    Rung(
        "Lower rate",
        "The highest learning rate is 0.001 instead of 0.5. This was the cause: now the model learns.",
        {"train.lr": 1e-3},
    ),
    Rung(
        "Muon",
        "Another optimizer, that of most presets here, with the rate that suits it.",
        {"train.optimizer": "muon", "train.lr": 6e-3},
    ),
)


def settings(rung: int) -> dict[str, object]:
    """What differs from the preset once the changes up to a rung are made."""
    return {name: value for change in RUNGS[: rung + 1] for name, value in change.settings.items()}


class Curve(Record):
    """A recorded run: which rung and seed, train loss by step, and val accuracy at the end (0..1)."""

    rung: str
    seed: int
    steps: list[int]
    losses: list[float]
    val_accuracy: float

    @property
    def last_loss(self) -> float:
        return self.losses[-1]


class Figures(Record):
    """What was recorded on which data."""

    data: str
    runs: list[Curve]

    def of(self, rung: int) -> list[Curve]:
        """The runs of a rung, one for each seed."""
        return [run for run in self.runs if run.rung == RUNGS[rung].name]

    def last_loss(self, rung: int) -> float:
        """Mean over the seeds."""
        return statistics.mean(run.last_loss for run in self.of(rung))

    def val_accuracy(self, rung: int) -> float:
        """Mean over the seeds."""
        return statistics.mean(run.val_accuracy for run in self.of(rung))


class Recording(Record):
    """The file of ``bench/repair.py``."""

    figures: Figures


def recorded() -> Figures | None:
    """What was recorded; None where the file is missing or doesn't cover every rung."""
    try:
        figures = Recording.model_validate(read_json(RECORDED) or {}).figures
    except ValidationError:
        return None
    return figures if all(figures.of(rung) for rung in range(len(RUNGS))) else None
