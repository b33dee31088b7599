"""What was changed while a run trained: ``changes.jsonl``, which a resumed run follows at the same steps again."""

from collections.abc import Mapping

from pydantic import Field, JsonValue, field_validator

from vit import files
from vit.config import AugmentConfig, RunConfig, merge, share_or_count
from vit.errors import ConfigError, Problem
from vit.rules import find_problems, read, validate
from vit.runs.directory import Count, Positive, Record, Run, read_records
from vit.runs.plan import Plan, read_plan

# Settings of which every step is a function by itself, so that they may be others from some step on.
STEERABLE = (
    "train.lr",
    "train.schedule",
    "train.weight_decay",
    "train.label_smoothing",
    "train.grad_clip",
    "train.patience",
    "train.eval_every",
    "train.save_every",
    "train.seed",
    *(f"augment.{name}" for name in AugmentConfig.model_fields),
)


class Change(Record):
    """What holds from a step on.

    Attributes:
        step: Updates done before it.
        id: Of the command that asked for it.
        settings: New values by dotted name.
        total_steps: New length of the run; None if it stays.
    """

    step: Count
    id: str = ""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    total_steps: Positive | None = None

    @field_validator("settings")
    @classmethod
    def _check_settings(cls, settings: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """A run's folder may come from elsewhere: what it changes must not reach the model or the data."""
        if fixed := settings.keys() - set(STEERABLE):
            raise ValueError(f"{', '.join(fixed)} can't be changed once a run has begun")
        return settings


class Course:
    """The configuration and the plan that hold at each step of a run; of a training without a run, always the same."""

    def __init__(self, run: Run | None, config: RunConfig, plan: Plan):
        self.run, self.changes = run, read_changes(run) if run else []
        self._begin = config, plan
        self._known: dict[int, tuple[RunConfig, Plan]] = {0: self._begin}

    def at(self, step: int) -> tuple[RunConfig, Plan]:
        """What holds once ``step`` updates are done."""
        count = sum(change.step <= step for change in self.changes)
        if count not in self._known:
            self._known[count] = self._after(self.changes[:count])
        return self._known[count]

    def is_extended_at(self, step: int) -> bool:
        """Whether the run was made longer once ``step`` updates were done."""
        return any(change.step == step and change.total_steps for change in self.changes)

    def reload(self) -> None:
        """Read the changes again, because there is a new one."""
        self.changes, self._known = read_changes(self.run) if self.run else [], {0: self._begin}

    def _after(self, changes: list[Change]) -> tuple[RunConfig, Plan]:
        config, plan = self._begin
        settings, total_steps = {}, plan.total_steps
        for change in changes:
            settings |= change.settings
            total_steps = change.total_steps or total_steps
        changed = validate(merge(config.to_json(), settings))
        lengths = {"total_steps": total_steps}
        if "train.eval_every" in settings:
            lengths["eval_steps"] = max(1, share_or_count(changed.train.eval_every, total_steps))
        return changed, plan.model_copy(update=lengths)


def in_effect(run: Run, step: int) -> RunConfig:
    """The configuration that holds at a step of a run; the one it will begin with if it has no plan yet.

    Raises:
        RunError: If the configuration or the plan can't be read.
        ConfigError: If a setting is wrong.
    """
    config, plan = read(run.config_path), read_plan(run)
    return Course(run, config, plan).at(step)[0] if plan else config


def read_changes(run: Run) -> list[Change]:
    """The changes that hold, by step. A new one replaces those of later steps, which a resumed run has not reached."""
    kept: list[Change] = []
    for change in read_records(run.changes_path, Change):
        while kept and kept[-1].step > change.step:
            kept.pop()
        kept.append(change)
    return kept


def write_change(run: Run, change: Change) -> None:
    """Append a change; it is on disk once this returns."""
    files.append_line(run.changes_path, change.model_dump(mode="json", exclude_none=True))
    files.sync(run.changes_path)


def check(config: RunConfig, settings: Mapping[str, object]) -> None:
    """Refuse what can't be changed while a run trains.

    Args:
        config: The configuration of the run.
        settings: New values by dotted name.

    Raises:
        ConfigError: With every problem.
    """
    fixed = [
        Problem(name, value, f"can't be changed once a run has begun; what can: {', '.join(STEERABLE)}")
        for name, value in settings.items()
        if name not in STEERABLE
    ]
    problems = fixed or find_problems(merge(config.to_json(), settings))
    if problems:
        raise ConfigError(list(problems))


def in_words(config: RunConfig, settings: Mapping[str, object], total_steps: int | None) -> str:
    """``train.lr 0.001 → 0.0001``, or the new length."""
    flat = {name: config.to_json()[name.partition(".")[0]][name.partition(".")[2]] for name in settings}
    parts = [f"{name} {flat[name]} → {value}" for name, value in settings.items()]
    parts += [f"extended to {total_steps:,} steps"] if total_steps else []
    return f"Changed: {'; '.join(parts)}."
