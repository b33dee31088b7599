"""Checks a raw configuration and reports every problem at once, each with its field, value and remedy."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vit import cost, text
from vit.config import LENGTHS, SCHEMA_VERSION, SECTIONS, RunConfig, field_names
from vit.errors import ConfigError, Problem, RunError


@dataclass(frozen=True)
class Environment:
    """What a configuration has to fit; None means not known yet."""

    num_train: int | None = None  # images in the training split before validation is split from it
    num_classes: int | None = None  # classes of the data set
    memory_bytes: int | None = None  # memory that a run may use on its device
    devices: tuple[str, ...] | None = None  # devices that this machine has, such as ("cpu", "cuda")


Rule = Callable[[RunConfig, Environment], Iterator[Problem]]
_RULES: list[tuple[frozenset[str], Rule]] = []


def validate(raw: dict, environment: Environment | None = None) -> RunConfig:
    """Turn a raw configuration into a checked one.

    Raises:
        ConfigError: With all problems, those of single fields and those between fields.
    """
    problems, config = _parse(raw)
    broken = {problem.field for problem in problems}
    for fields, rule in _RULES:
        if not fields & broken:
            problems += rule(config, environment or Environment())
    if problems:
        raise ConfigError(problems)
    return config


def read(path: Path) -> RunConfig:
    """Read a run's ``config.json`` and check it again, because a person may have edited it.

    Raises:
        ConfigError: If a setting is wrong.
        RunError: If the file is missing or isn't JSON.
    """
    try:
        raw = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path} can't be read as a configuration: {error}") from error
    return validate(raw)


def find_problems(raw: dict, environment: Environment | None = None) -> tuple[Problem, ...]:
    """The problems of a raw configuration, for a form that shows them while a person types."""
    try:
        validate(raw, environment)
    except ConfigError as error:
        return error.problems
    return ()


def _parse(raw: dict) -> tuple[list[Problem], RunConfig]:
    """Check every field by itself; broken ones get their default so that the others can still be judged."""
    if not isinstance(raw, dict):
        raise ConfigError([Problem("config", raw, "is not a JSON object of settings")])
    try:
        return [], RunConfig.model_validate(raw)
    except ValidationError as error:
        errors = error.errors()
    problems = [_problem(item) for item in errors]
    healthy = {section: dict(raw[section]) for section in SECTIONS if isinstance(raw.get(section), dict)}
    for item in errors:
        section, name = (*map(str, item["loc"]), "")[:2]
        healthy.get(section, {}).pop(name, None)
    return problems, RunConfig.model_validate(healthy)


def _problem(item: Mapping[str, Any]) -> Problem:
    field = ".".join(str(part) for part in item["loc"][:2])
    if item["type"] == "extra_forbidden":
        section = field.partition(".")[0]
        names = [name for name in field_names() if name.startswith(f"{section}.")]
        return Problem(field, item["input"], f"there is no such setting; there are {', '.join(names or SECTIONS)}")
    if field == "schema_version":
        return Problem(field, item["input"], f"this version of ViT Lab reads version {SCHEMA_VERSION}")
    message = item["msg"].removeprefix("Input ")
    return Problem(field, item["input"], message[0].lower() + message[1:])


def rule(*fields: str) -> Callable[[Rule], Rule]:
    """Register a check that is skipped where one of its fields is already known to be wrong."""

    def register(check: Rule) -> Rule:
        _RULES.append((frozenset(fields), check))
        return check

    return register


@rule("model.image_size", "model.patch_size", "model.stem")
def _patches_cover_the_image(config: RunConfig, _: Environment) -> Iterator[Problem]:
    size, patch = config.model.image_size, config.model.patch_size
    unit = 4 if config.model.is_hybrid else 1  # three convolutions halve the image twice
    fitting = [side for side in divisors(size) if side % unit == 0]
    if not fitting:
        yield Problem("model.image_size", size, "the convolutional stem needs a multiple of 4", size // 4 * 4)
    elif patch not in fitting:
        nearest = min(fitting, key=lambda side: abs(side - patch))
        stem = ", in multiples of 4 for the convolutional stem" if unit > 1 else ""
        message = f"must be {_listing(fitting)} to divide image_size={size}{stem}"
        yield Problem("model.patch_size", patch, message, nearest)


@rule("model.image_size", "model.patch_size", "model.stem")
def _batch_norm_has_something_to_compare(config: RunConfig, _: Environment) -> Iterator[Problem]:
    """A single number per image and channel could be the only one in a batch, which has no variance."""
    size, least = config.model.image_size, 2 * config.model.stem_reduction
    if config.model.is_resnet and size < least:
        message = f"batch norm in stem={config.model.stem!r} needs feature maps of 2 x 2 or more; use at least {least}"
        yield Problem("model.image_size", size, message, least)


@rule("model.embed_dim", "model.num_heads")
def _heads_share_the_width(config: RunConfig, _: Environment) -> Iterator[Problem]:
    yield from _divides("model.num_heads", config.model.num_heads, "embed_dim", config.model.embed_dim)


@rule("model.depth", "init.frozen_blocks")
def _frozen_blocks_exist(config: RunConfig, _: Environment) -> Iterator[Problem]:
    frozen, depth = config.init.frozen_blocks, config.model.depth
    if frozen > depth:
        yield Problem("init.frozen_blocks", frozen, f"the model has only {text.counted(depth, 'block')}", depth)


@rule("model.embed_dim", "model.pos_embed")
def _sincos_needs_four_parts(config: RunConfig, _: Environment) -> Iterator[Problem]:
    dim = config.model.embed_dim
    if config.model.pos_embed == "sincos2d" and dim % 4:
        message = "the 2-D sine-cosine embedding needs a multiple of 4 (sine and cosine, for x and y)"
        yield Problem("model.embed_dim", dim, message, dim // 4 * 4 + 4)


@rule("model.embed_dim", "model.num_heads", "model.pos_embed")
def _rope_needs_four_parts(config: RunConfig, _: Environment) -> Iterator[Problem]:
    dim, heads = config.model.embed_dim, config.model.num_heads
    if config.model.pos_embed == "rope" and dim % heads == 0 and config.model.head_dim % 4:
        message = f"rotary positions need a multiple of 4 per head (pairs, for x and y), so of {4 * heads} in all"
        yield Problem("model.embed_dim", dim, message, -(-dim // (4 * heads)) * 4 * heads)


@rule(*LENGTHS)
def _one_length(config: RunConfig, _: Environment) -> Iterator[Problem]:
    given = {name: getattr(config.train, name.removeprefix("train.")) for name in LENGTHS}
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        yield Problem("train.epochs", None, "the run needs a length: set epochs, steps or minutes", 5)
    for name, value in list(given.items())[1:]:
        yield Problem(name, value, f"the length is already given by {next(iter(given))}; set only one")


@rule("train.warmup", *LENGTHS, "train.batch_size", "data.val_size")
def _warmup_ends_before_the_run(config: RunConfig, environment: Environment) -> Iterator[Problem]:
    steps, warmup = planned_steps(config, environment.num_train), config.train.warmup
    if warmup >= 1 and steps is not None and warmup >= steps:
        message = f"the warm-up is as long as the run of {steps:,} steps or longer; use a share such as 0.1"
        yield Problem("train.warmup", warmup, message, 0.1)


@rule("data.source", "data.val_size")
def _something_left_to_train_on(config: RunConfig, environment: Environment) -> Iterator[Problem]:
    size, total = config.data.val_size, environment.num_train
    if total == 0:
        yield Problem("data.source", config.data.source, "it has no training images, only such to test with")
    elif total is not None and training_images(config, total) < (environment.num_classes or 1):
        message = f"the training split has {total:,} images and every class must keep one to train on; use 0.1"
        yield Problem("data.val_size", size, message, 0.1)


@rule("train.batch_size", "data.val_size")
def _batch_fits_the_data(config: RunConfig, environment: Environment) -> Iterator[Problem]:
    batch = config.train.batch_size
    left = training_images(config, environment.num_train) if environment.num_train is not None else batch
    if batch > left > 0:
        yield Problem("train.batch_size", batch, f"larger than the {left:,} training images; use at most {left}", left)


@rule("train.batch_size", "train.processes")
def _processes_share_the_batch(config: RunConfig, _: Environment) -> Iterator[Problem]:
    if config.train.processes:
        yield from _divides("train.processes", config.train.processes, "batch_size", config.train.batch_size)


@rule("model.num_classes")
def _classes_match_the_data(config: RunConfig, environment: Environment) -> Iterator[Problem]:
    classes = config.model.num_classes
    if environment.num_classes is not None and classes != environment.num_classes:
        message = f"the data set has {environment.num_classes} classes"
        yield Problem("model.num_classes", classes, message, environment.num_classes)


@rule("train.device")
def _device_exists(config: RunConfig, environment: Environment) -> Iterator[Problem]:
    device = config.train.device
    if environment.devices is not None and device != "auto" and device not in environment.devices:
        message = f"this machine has no such device; it has {', '.join(environment.devices)}"
        yield Problem("train.device", device, message, "auto")


@rule(
    "model.embed_dim",
    "model.depth",
    "model.image_size",
    "model.patch_size",
    "train.batch_size",
    "model.mlp_ratio",
    "model.num_heads",
)
def _fits_in_memory(config: RunConfig, environment: Environment) -> Iterator[Problem]:
    needed = cost.training_memory(config.model, config.train.batch_size)
    if environment.memory_bytes is not None and needed > environment.memory_bytes:
        message = (
            f"training needs about {text.size(needed)} and {text.size(environment.memory_bytes)} is free; "
            "use a smaller batch, embed_dim or depth, or larger patches"
        )
        yield Problem("train.batch_size", config.train.batch_size, message)


def training_images(config: RunConfig, num_train: int) -> int:
    """Images left to train on, without the validation split."""
    return num_train - config.data.num_val(num_train)


def planned_steps(config: RunConfig, num_train: int | None) -> int | None:
    """The run's length in steps, where it is known before the start."""
    if config.train.epochs is None:
        return config.train.steps
    if num_train is None:
        return None
    return config.train.total_steps(max(1, training_images(config, num_train) // config.train.batch_size))


def divisors(number: int, most: int | None = None) -> list[int]:
    """Every divisor of ``number`` up to ``most``, smallest first."""
    return [divisor for divisor in range(1, min(number, most or number) + 1) if number % divisor == 0]


def _divides(field: str, value: int, name: str, number: int) -> Iterator[Problem]:
    """A problem, with the nearest divisor as its remedy, unless ``value`` divides ``number``."""
    if number % value:
        fitting = divisors(number, most=64)
        nearest = min(fitting, key=lambda divisor: abs(divisor - value))
        yield Problem(field, value, f"does not divide {name}={number}; use {_listing(fitting)}", nearest)


def _listing(values: list[int]) -> str:
    """``1, 2, 4 or 8``; of a long list the largest eight."""
    shown = [str(value) for value in values[-8:]]
    return " or ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
