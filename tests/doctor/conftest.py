"""Runs as the doctor reads them: curves written by hand on an ordinary plan."""

import pytest
from worlds import config, plan

from tests.training.conftest import data, dataset  # noqa: F401, fixtures
from vit.doctor.case import Case

STEPS = 1000


def curves(until: int = STEPS, every: int = 100, **metrics) -> list[dict]:
    """Rows at every validation; a metric is one value for all, or goes evenly from a first to a last one."""
    steps = list(range(every, until + 1, every))
    rows = []
    for place, step in enumerate(steps):
        share = place / max(1, len(steps) - 1)
        values = {
            name: value[0] + share * (value[1] - value[0]) if isinstance(value, tuple) else value
            for name, value in metrics.items()
        }
        rows.append({"step": step, "time": step / 10, **values})
    return rows


HEALTHY = {
    "train_loss": (2.2, 1.2),
    "val_loss": (2.1, 1.1),
    "val_accuracy": (0.2, 0.65),
    "grad_norm": (3.0, 1.5),
    "lr": (6e-3, 1e-5),
    "chance_loss": 2.303,
    "chance_accuracy": 0.1,
    "clean_train_loss": (2.1, 1.05),
    "clean_train_accuracy": (0.2, 0.68),
    "linear_accuracy": 0.3,
    "update_ratio": (0.03, 0.005),
    "head_update_ratio": (0.05, 0.001),
    "weight_norm": (0.03, 0.06),
    "attention_entropy": (0.98, 0.7),
    "identical_heads": 0.0,
    "dead_heads": 0.0,
    "place_effect": (0.05, 0.4),
    "prediction_spread": (0.05, 0.2),
    "cpu_cores": 1.5,
    "images_per_second": 600.0,
}
GUESSING = {
    "train_loss": 2.31,
    "val_loss": 2.303,
    "val_accuracy": 0.102,
    "clean_train_loss": 2.3,
    "clean_train_accuracy": 0.11,
    "prediction_spread": 0.001,
}


@pytest.fixture
def case():
    """A case: ``case({"train.lr": 1e-5}, update_ratio=1e-4)`` is a healthy run but for what is given."""

    def build(settings=None, failure="", until=STEPS, guesses=False, plan_fields=None, **metrics) -> Case:
        rows = curves(until, **(HEALTHY | (GUESSING if guesses else {}) | metrics))
        return Case(rows, plan().model_copy(update=plan_fields or {}), config(**(settings or {})), failure)

    return build
