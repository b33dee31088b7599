"""How fast a configuration is on this machine: measured once, then remembered; and how long a run of it takes."""

import hashlib
import json
import statistics
from pathlib import Path

from filelock import FileLock
from pydantic import Field, ValidationError

from vit import files, jobs, paths
from vit.config import RunConfig, TrainConfig, share_or_count
from vit.rules import planned_steps
from vit.runs.directory import Record, read_json

DECISIVE = ("batch_size", "optimizer", "device", "threads", "processes", "precision", "compile")
MIN_SECONDS, MAX_SECONDS = 3.0, 15.0  # to measure
MEASURED_SHARE = 0.03  # of a run given in minutes, whose length nothing corrects later
USUAL = {"preparation": 8.0, "saving": 0.1, "measuring": 1.0}  # where no run has shown it yet
MAX_VALIDATING = 0.25  # of a run's minutes; the rest is for training
MIN_STEPS = 10  # even the shortest length in minutes should change the weights


class Speed(Record):
    """What is known of a configuration on this machine.

    Attributes:
        training: Images per second, with their batches.
        validation: Images per second.
        saving: Seconds that a validation takes besides, for checkpoints and tracked images; None if no run has
            shown it.
        preparation: Seconds from the start of the worker to the first step, without measuring; None likewise.
        measuring: How often a worker measures, of another number of processes each; None likewise.
    """

    training: float = Field(gt=0)
    validation: float = Field(gt=0)
    saving: float | None = None
    preparation: float | None = None
    measuring: float | None = None


def remembered(config: RunConfig) -> Speed | None:
    """What was measured of this configuration on this machine, or None."""
    return _known().get(key(config))


def remember(config: RunConfig, speed: Speed) -> None:
    """Keep what was measured for the next time; what it doesn't say stays as it was."""
    path = _memory()
    files.make_folder(path.parent)
    with FileLock(f"{path}.lock"):
        known = _known()
        old = known[key(config)].model_dump() if key(config) in known else {}
        known[key(config)] = Speed(**(old | speed.model_dump(exclude_none=True)))
        files.write_json(path, {name: one.model_dump() for name, one in known.items()})


def seconds(config: RunConfig, images: int, num_test: int, total_steps: int, speed: Speed) -> float:
    """How long a run takes from the start of its worker to its end, test included.

    Args:
        config: The configuration of the run.
        images: Of its data, those that train and validation share.
        num_test: Images of the test split.
        total_steps: Its length.
        speed: What was measured of the configuration.
    """
    training = total_steps * config.train.batch_size / speed.training
    validation = seconds_per_validation(config, images, speed)
    validating = num_validations(config.train, total_steps, validation) * validation
    return seconds_around(config, num_test, speed) + training + validating


def seconds_around(config: RunConfig, num_test: int, speed: Speed) -> float:
    """How much of that comes before the first step and after the last one."""
    preparation, measuring = (shown(speed, name) for name in ("preparation", "measuring"))
    return preparation + measuring * seconds_to_measure(config.train) + num_test / speed.validation


def seconds_per_validation(config: RunConfig, images: int, speed: Speed) -> float:
    """With all that follows one."""
    return config.data.num_val(images) / speed.validation + shown(speed, "saving")


def steps(config: RunConfig, images: int, speed: Speed) -> int:
    """How many updates a run makes; for a length in minutes, as many as fit at that speed."""
    planned = planned_steps(config, images)
    if planned is not None:
        return planned
    validation = seconds_per_validation(config, images, speed)
    return steps_in_minutes(config.train, config.train.batch_size / speed.training, validation)


def steps_in_minutes(config: TrainConfig, step: float, validation: float) -> int:
    """How many updates of so many seconds fit into the minutes of the configuration, with their validations."""
    assert config.minutes is not None
    left, every = config.minutes * 60, eval_every(config, validation)
    if every < 1:
        left -= validation / every
    else:
        step += validation / every
    return max(MIN_STEPS, int(left / step))


def eval_every(config: TrainConfig, validation: float) -> float:
    """Time between validations of so many seconds: as chosen, but longer where they would fill a run's minutes."""
    if config.minutes is None:
        return config.eval_every
    return max(config.eval_every, min(0.5, validation / (MAX_VALIDATING * 60 * config.minutes)))


def eval_steps(config: TrainConfig, total_steps: int, validation: float) -> int:
    """Updates between two validations of so many seconds."""
    return max(1, share_or_count(eval_every(config, validation), total_steps))


def num_validations(config: TrainConfig, total_steps: int, validation: float) -> int:
    """How often a run is validated; always after the last step."""
    return -(-total_steps // eval_steps(config, total_steps, validation))


def seconds_to_measure(config: TrainConfig) -> float:
    """Longer for longer runs in minutes, because other programs can slow a shared machine for seconds."""
    return min(max(MIN_SECONDS, MEASURED_SHARE * 60 * (config.minutes or 0)), MAX_SECONDS)


def measure(config: RunConfig) -> None:
    """Start measuring as a background job unless it runs already; ``remembered`` returns the result."""
    if is_measuring(config):
        return
    request = jobs.folder() / f"{_job(config)}.config"
    files.make_folder(jobs.folder())
    files.write_json(request, config.to_json())
    jobs.start("measure", _job(config), "vit.training.planning", str(request))


def is_measuring(config: RunConfig) -> bool:
    """Whether a job measures this configuration now."""
    return jobs.is_running(_job(config))


def _job(config: RunConfig) -> str:
    return f"measure-{key(config)}"


def key(config: RunConfig) -> str:
    """What the speed depends on, as a short name."""
    sections = {name: getattr(config, name).model_dump(mode="json") for name in ("model", "augment")}
    decisive = sections | {"train": {name: getattr(config.train, name) for name in DECISIVE}}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


def _known() -> dict[str, Speed]:
    """Everything that was measured; what isn't a speed, such as an older version's, is left out."""
    found = {}
    for name, value in (read_json(_memory()) or {}).items():
        try:
            found[name] = Speed.model_validate(value)
        except ValidationError:
            continue
    return found


def shown(speed: Speed | None, name: str) -> float:
    """What runs have shown besides their speed: those of a configuration, else others on this machine."""
    own, others = getattr(speed, name, None), [getattr(other, name) for other in _known().values()]
    seen = [value for value in others if value is not None]
    return own if own is not None else statistics.median(seen or [USUAL[name]])


def _memory() -> Path:
    return paths.home() / ".speed.json"
