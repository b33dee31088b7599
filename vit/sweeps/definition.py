"""What a sweep varies, and how: checked once, kept as ``sweep.json``. Free of torch and of Optuna.

A varied setting is written as on the command line: ``train.optimizer=adamw,muon`` (values), ``model.depth=1..6``
(a range) or ``train.lr=1e-4..1e-2:log`` (a range on a logarithmic scale).
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError

from vit.config import SECTIONS, choices, field_info, field_names
from vit.errors import ConfigError, Problem, SweepError
from vit.runs.directory import Count, Record

SamplerName = Literal["grid", "random", "tpe"]
SAMPLERS: tuple[SamplerName, ...] = get_args(SamplerName)
Value = bool | int | float | str | None
# What the data, or a person's choice of a start, decides for all trials alike.
SHARED = ("data.source", "model.num_classes", "init.checkpoint", "init.trainable")
DEFAULT_TRIALS, MOST_TRIALS = 12, 10_000
WIDE = ("train.lr", "train.weight_decay")  # settings that are searched over orders of magnitude
LONGEST_NAME = 56  # characters, so that the names of its runs are names of runs
_RANGE = re.compile(r"([^,]+?)\.\.([^,:]+)(:log)?")


class Varied(Record):
    """A setting that differs between trials: one of ``values``, or a number from ``low`` to ``high``."""

    name: str
    values: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None
    log: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the setting is a whole number."""
        return _kinds(self.name) == {int}

    def __str__(self) -> str:
        return f"{self.name}={self.choice()}"

    def choice(self) -> str:
        """What it is varied over, as on the command line."""
        if self.low is None or self.high is None:
            return ",".join(map(_written, self.values))
        return f"{self.low:g}..{self.high:g}{':log' * self.log}"


class Definition(Record):
    """A sweep.

    Attributes:
        name: Of the sweep; its runs are called ``NAME-0``, ``NAME-1`` and so on.
        config: What all trials share, as a raw configuration.
        varied: The settings that differ.
        sampler: How their values are chosen: all combinations, by chance, or by Optuna's TPE from earlier trials.
        trials: How many.
        seed: Of the sampler; the seed of the trainings is ``train.seed`` of the configuration, the same for all.
        pruning: Whether a trial that is behind the median of the others is stopped.
    """

    name: str
    config: dict[str, Any]
    varied: tuple[Varied, ...]
    sampler: SamplerName = "tpe"
    trials: Annotated[int, Field(ge=1, le=MOST_TRIALS)] = DEFAULT_TRIALS
    seed: Count = 0
    pruning: bool = True


def parse(text: str) -> Varied:
    """A varied setting from its text.

    Raises:
        SweepError: If it isn't written as one.
    """
    name, equals, choice = (part.strip() for part in text.partition("="))
    if not equals or not name or not choice:
        raise SweepError(
            f"{text!r} doesn't say what to vary: write FIELD=VALUE,VALUE or FIELD=LOW..HIGH, such as "
            "train.optimizer=adamw,muon or train.lr=1e-4..1e-2:log"
        )
    found = _RANGE.fullmatch(choice)
    if found is None:
        return Varied(name=name, values=tuple(value_of(part.strip()) for part in choice.split(",")))
    try:
        return Varied(name=name, low=float(found[1]), high=float(found[2]), log=bool(found[3]))
    except ValueError as error:  # not a number, or not a finite one
        raise SweepError(f"{choice!r} is not a range of numbers, such as 1e-4..1e-2:log or 1..6") from error


def suggested(name: str, value: Value, is_grid: bool) -> str:
    """What a setting could be varied over around the value that it has, as on the command line; a grid needs values."""
    if options := choices(name):
        return ",".join(map(_written, options))
    if isinstance(value, bool):
        return "true,false"
    if isinstance(value, int):
        return ",".join(_written(number) for number in sorted({max(1, value // 2), value, max(2, 2 * value)}))
    if not isinstance(value, float):
        return ""
    if not value:
        return "0,0.1,0.2" if is_grid else "0..0.2"
    factor = 10 if name in WIDE else 2
    numbers = [number for number in (value / factor, value, value * factor) if not [*_wrong_values(name, (number,))]]
    if is_grid:
        return ",".join(map(_written, numbers))
    return f"{numbers[0]:g}..{numbers[-1]:g}{':log' * (name in WIDE)}"


def combinations(varied: tuple[Varied, ...]) -> int:
    """How many trials a grid has."""
    return math.prod(len(one.values) for one in varied)


def num_trials(varied: tuple[Varied, ...], sampler: SamplerName, asked: int | None) -> int:
    """How many trials a sweep has: as asked for, but of a grid no more than there are combinations."""
    if sampler != "grid":
        return asked or DEFAULT_TRIALS
    return max(1, min(asked or MOST_TRIALS, combinations(varied)))


def check(definition: Definition) -> None:
    """Refuse what can't be varied, or not so.

    Raises:
        ConfigError: With every problem, each with the setting it is about.
    """
    problems = [problem for one in definition.varied for problem in _problems(one, definition.sampler)]
    names = [one.name for one in definition.varied]
    problems += [Problem(name, "", "is varied twice") for name in sorted({n for n in names if names.count(n) > 1})]
    if not names:
        problems.append(Problem("sweep", "", "varies nothing: choose one setting or more"))
    if problems:
        raise ConfigError(problems)


def _problems(one: Varied, sampler: SamplerName) -> Iterator[Problem]:
    if one.name not in field_names():
        yield Problem(one.name, one.choice(), "there is no such setting")
    elif one.name in SHARED:
        yield Problem(one.name, one.choice(), "is the same in all trials of a sweep")
    elif one.low is None or one.high is None:
        if len(set(one.values)) < 2:
            yield Problem(one.name, one.choice(), "needs at least two different values")
        yield from _wrong_values(one.name, one.values)
    else:
        yield from _range_problems(one, one.low, one.high, sampler)


def _kinds(name: str) -> set[Any]:
    """The types of a setting's values, None aside."""
    annotation = field_info(name).annotation
    return set(get_args(annotation) or [annotation]) - {type(None)}


def _range_problems(one: Varied, low: float, high: float, sampler: SamplerName) -> Iterator[Problem]:
    if not _kinds(one.name) <= {int, float}:
        yield Problem(one.name, one.choice(), "is not a number, so it has no range: list its values")
    elif sampler == "grid":
        yield Problem(one.name, one.choice(), "a grid needs values, such as 0.001,0.01, rather than a range")
    elif not low < high or (one.log and low <= 0):
        yield Problem(one.name, one.choice(), "must rise, and a logarithmic range must begin above 0")
    elif one.is_whole and (low != int(low) or high != int(high)):
        yield Problem(one.name, one.choice(), "is a whole number, so its range must begin and end with one")
    else:
        yield from _wrong_values(one.name, (int(low), int(high)) if one.is_whole else (low, high))


def _wrong_values(name: str, values: tuple[Value, ...]) -> Iterator[Problem]:
    """The values that the setting can't have, whatever the others are."""
    section, _, field = name.partition(".")
    for value in values:
        try:
            SECTIONS[section].model_validate({field: value})
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Input ")
            yield Problem(name, value, message[0].lower() + message[1:])


def value_of(text: str) -> Value:
    """``0.1``, ``true`` and ``null`` as what they mean, everything else as text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, Value) else text


def _written(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else json.dumps(value)
