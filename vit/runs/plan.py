"""What is decided before the first step and never changes afterwards, so that a resumed run is the same run."""

from typing import Self

from pydantic import AliasChoices, Field, ValidationError, model_validator

from vit import files
from vit.errors import RunError
from vit.runs.directory import Count, Positive, Record, Run


class Plan(Record):
    """Lengths in steps, and the environment that is part of the result.

    Attributes:
        total_steps: Optimizer updates of the whole run.
        eval_steps: Updates between two validations.
        num_train: Images of the training split, without those of the validation split.
        tracked: Places in the validation split of the images whose predictions are recorded during training.
        processes: World size.
        images_per_second: As measured before the start; None where nothing was measured.
        minutes: The length asked for; None where it was given in epochs or steps.
    """

    total_steps: Positive
    steps_per_epoch: Positive
    warmup_steps: Count
    eval_steps: Positive
    num_train: Count
    num_val: Count
    num_test: Count
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    data_name: str
    data_fingerprint: str
    tracked: tuple[int, ...] = Field(validation_alias=AliasChoices("tracked", "pinned"))
    tracked_labels: tuple[int, ...] = Field(validation_alias=AliasChoices("tracked_labels", "pinned_labels"))
    grid_size: Positive
    device: str
    device_name: str
    precision: str
    threads: Count
    torch: str
    images_per_second: float | None
    minutes: float | None
    processes: Positive = 1

    @model_validator(mode="after")
    def _check_labels(self) -> Self:
        if len(self.tracked) != len(self.tracked_labels):
            raise ValueError("tracked images and their labels differ in number")
        if not all(0 <= label < len(self.classes) for label in self.tracked_labels):
            raise ValueError("a tracked image has a label without a class")
        return self

    @property
    def total_epochs(self) -> float:
        return self.total_steps / self.steps_per_epoch

    def is_eval_step(self, step: int) -> bool:
        """Whether the model is validated after ``step`` updates; always after the last."""
        return step == self.total_steps or step % self.eval_steps == 0


def write_plan(run: Run, plan: Plan) -> None:
    files.write_json(run.plan_path, plan.model_dump(mode="json"))


def read_plan(run: Run) -> Plan | None:
    """The plan of a run, or None if its worker has not made it yet.

    Raises:
        RunError: If the file is damaged.
    """
    try:
        return Plan.model_validate_json(run.plan_path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise RunError(f"plan.json of run {run.id} is damaged, so it can't be resumed; start a new run") from error
