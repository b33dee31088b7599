"""The trials of a sweep as a list shows them, and the figures that Optuna draws of them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from vit.sweeps.directory import Sweep
from vit.sweeps.study import REASON, open_study
from vit.text import percent

STATES = {
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
VALUE = "val accuracy"
MIN_COMPLETE = 2  # trials, before a figure says anything


@dataclass(frozen=True)
class TrialRow:
    """A trial: its settings, and the best val accuracy of its run (0..1), or why it has none."""

    number: int
    run: str
    state: str
    value: float | None
    params: dict[str, Any]
    reason: str

    def to_json(self) -> dict:
        return asdict(self)

    def line(self) -> str:
        """One trial as a line of a table."""
        params = " ".join(
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in self.params.items()
        )
        return f"{self.run:24} {self.state:9} {percent(self.value):>6}  {params}  {self.reason}".rstrip()


def read(sweep: Sweep) -> list[TrialRow]:
    """All trials so far, in their order."""
    return [_row(sweep, trial) for trial in open_study(sweep).get_trials(deepcopy=False)]


def _row(sweep: Sweep, trial: FrozenTrial) -> TrialRow:
    last = max(trial.intermediate_values.items(), default=(0, None))[1]
    value = trial.value if trial.value is not None else last
    reason = str(trial.user_attrs.get(REASON, ""))
    return TrialRow(trial.number, sweep.run(trial.number).id, STATES[trial.state], value, trial.params, reason)


def figures(sweep: Sweep) -> dict[str, Any]:
    """Optuna's plotly figures by their title; none before there is something to compare."""
    study = open_study(sweep)
    complete = [trial for trial in study.get_trials(deepcopy=False) if trial.state == TrialState.COMPLETE]
    if len(complete) < MIN_COMPLETE:
        return {}
    draw = optuna.visualization
    makers: dict[str, Callable[..., Any]] = {
        "History": draw.plot_optimization_history,
        "Parallel coordinates": draw.plot_parallel_coordinate,
        "Importance": draw.plot_param_importances,
    }
    return {title: make(study, target_name=VALUE).update_layout(title=None) for title, make in makers.items()}
