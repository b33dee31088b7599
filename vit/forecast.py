"""What is foretold of a run before its first step, and how that came out."""

from pydantic import ValidationError

from vit import expectation, files
from vit.config import RunConfig
from vit.expectation import Expected
from vit.rules import planned_steps, training_images
from vit.runs import speed
from vit.runs.changes import read_changes
from vit.runs.directory import Positive, Record, Run, Share
from vit.runs.plan import Plan
from vit.runs.status import RunState


class Forecast(Record):
    """``expected.json``: what a run was expected to reach, and when.

    Attributes:
        total_steps: The length that it is for.
        seconds: From the start of the worker to the end of the run; None if the speed wasn't known.
        reaches: Its best validation accuracy; None if nothing comparable was recorded.
        curve: Validation accuracy on the way: (share of the run, accuracy, low, high).
    """

    total_steps: Positive
    seconds: float | None = None
    reaches: Expected | None = None
    curve: tuple[tuple[Share, Share, Share, Share], ...] = ()


def of(
    config: RunConfig, classes: tuple[str, ...], images: int, num_test: int, total_steps: int | None = None
) -> Forecast | None:
    """What to expect of a run on this machine.

    Args:
        config: Its configuration.
        classes: Names of the classes of its data.
        images: Of its data, those that train and validation share.
        num_test: Images of the test split.
        total_steps: Its length, where that is decided already.

    Returns:
        None if its length isn't known: it is given in minutes, and the speed was never measured.
    """
    known = speed.remembered(config)
    total = total_steps or (speed.steps(config, images, known) if known else planned_steps(config, images))
    if total is None:
        return None
    seconds = speed.seconds(config, images, num_test, total, known) if known else None
    epochs = total / max(1, training_images(config, images) // config.train.batch_size)
    seen = expectation.on(classes, images)
    reaches = seen.of(config, epochs)
    curve = tuple(seen.curve(config, epochs)) if reaches else ()
    return Forecast(total_steps=total, seconds=seconds, reaches=reaches, curve=curve)


def of_plan(config: RunConfig, plan: Plan) -> Forecast | None:
    """What to expect of a run whose plan was just made."""
    return of(config, plan.classes, plan.num_train + plan.num_val, plan.num_test, plan.total_steps)


def write(run: Run, forecast: Forecast | None) -> None:
    if forecast:
        files.write_json(run.expected_path, forecast.model_dump(mode="json"))


def read(run: Run) -> Forecast | None:
    """What was foretold of a run; None if nothing was, or it can't be read."""
    try:
        return Forecast.model_validate_json(run.expected_path.read_bytes())
    except (OSError, ValidationError):
        return None


def to_grade(run: Run, now: RunState) -> Expected | None:
    """What a finished run was expected to reach; None if it was changed on the way, or nothing was expected."""
    foretold = read(run)
    if now.state != "finished" or foretold is None or read_changes(run) or now.status.best_val_accuracy is None:
        return None
    return foretold.reaches if now.status.step == foretold.total_steps else None
