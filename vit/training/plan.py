"""What is decided before the first step and never changes afterwards, so that a resumed run is the same run."""

from dataclasses import asdict, dataclass

from vit import files
from vit.config import RunConfig, TrainConfig
from vit.runs.directory import Run, read_json

MIN_STEPS = 10  # even the shortest budget should move the weights


@dataclass(frozen=True)
class Plan:
    """Lengths in steps, and the circumstances that are part of the result."""

    total_steps: int
    steps_per_epoch: int
    warmup_steps: int
    eval_steps: int
    num_train: int
    num_val: int
    num_test: int
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    data_name: str
    data_fingerprint: str
    pinned: tuple[int, ...]
    pinned_labels: tuple[int, ...]
    grid_size: int
    device: str
    device_name: str
    precision: str
    threads: int
    torch: str
    images_per_second: float | None
    minutes: float | None
    processes: int = 1

    @property
    def total_epochs(self) -> float:
        return self.total_steps / self.steps_per_epoch

    def is_eval_step(self, step: int) -> bool:
        """Whether the model is validated after ``step`` updates; always after the last."""
        return step == self.total_steps or step % self.eval_steps == 0


def write_plan(run: Run, plan: Plan) -> None:
    files.write_json(run.plan_path, {**asdict(plan), "total_epochs": plan.total_epochs})


def read_plan(run: Run) -> Plan | None:
    """The plan of an earlier attempt, or None if the run never came that far."""
    raw = read_json(run.plan_path)
    if raw is None:
        return None
    raw.pop("total_epochs")
    lists = {name: tuple(value) for name, value in raw.items() if isinstance(value, list)}
    return Plan(**{**raw, **lists})


def share_or_count(value: float, total: int) -> int:
    """A length below 1 is a share of ``total``; from 1 on it is a count."""
    return round(value * total) if value < 1 else int(value)


def total_steps(train: TrainConfig, steps_per_epoch: int) -> int | None:
    """The length in steps, or None where it has to be measured."""
    if train.steps is not None:
        return train.steps
    if train.epochs is not None:
        return max(1, round(train.epochs * steps_per_epoch))
    return None


def steps_in_budget(config: RunConfig, seconds_per_step: float, seconds_per_evaluation: float) -> int:
    """How many updates fit into the minutes given, with their evaluations."""
    seconds = config.train.minutes * 60
    if config.train.eval_every < 1:
        seconds -= seconds_per_evaluation / config.train.eval_every
    else:
        seconds_per_step += seconds_per_evaluation / config.train.eval_every
    return max(MIN_STEPS, int(seconds / seconds_per_step))
