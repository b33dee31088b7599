"""From a time to a configuration: "I have ten minutes".

Candidates are the presets of this device and their neighbours in width, depth and patch size. How many epochs of each
fit into the time follows from its speed on this machine, and from the epochs the accuracy to expect. A speed that isn't
known is estimated from known ones until it is measured. Recommended is the candidate whose band begins highest: what is
expected of a recipe that was recorded counts for more than as much of one that is far from all that was.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vit import cost, devices, expectation, presets
from vit.config import LENGTHS, RunConfig, merge
from vit.data.store import DatasetInfo
from vit.errors import ConfigError, VitError
from vit.expectation import Expectation, Expected, band
from vit.rules import training_images, validate
from vit.runs import speed
from vit.runs.speed import Speed
from vit.text import counted

LENGTH = "train.minutes"
MOST_MINUTES = 100_000.0
LEAST_MINUTES = 0.25  # of training, below which there is nothing to choose
MOST_MEASURED = 3  # each takes some ten seconds
COST_POWER = 0.8  # of the cost, which the time follows: a machine is used less well by small models
OPERATIONS = 1e10  # multiply-adds per second and core, where nothing was measured yet
PASSES = 3.0  # forward passes that a training step costs
NEIGHBOURS = ({}, {"embed_dim": 0.5}, {"embed_dim": 1.5}, {"depth": 0.5}, {"depth": 1.5}, {"patch_size": 0.5})
NEIGHBOURS += ({"patch_size": 2},)


class BudgetError(VitError):
    """Nothing can be recommended."""


@dataclass(frozen=True)
class Candidate:
    """A configuration that takes the time.

    Attributes:
        preset: The preset that it begins with.
        settings: Dotted settings that differ from the preset, length included.
        config: Both together.
        speed: On this machine.
        is_measured: Whether that was measured; else it is an estimate.
        epochs: Passes that fit into the time.
        reaches: The accuracy to expect.
    """

    preset: str
    settings: dict[str, object]
    config: RunConfig
    speed: Speed
    is_measured: bool
    epochs: float
    reaches: Expected


def recommend(minutes: float, info: DatasetInfo, measure: Callable[[RunConfig], bool]) -> list[Candidate]:
    """The candidate to train, and those that come after it.

    Args:
        minutes: From the click to the result.
        info: The data.
        measure: Measures the speed of a configuration; tells whether it is known then.

    Raises:
        BudgetError: If nothing comparable was recorded.
    """
    for _ in range(MOST_MEASURED):
        if not (unknown := to_measure(minutes, info)) or not measure(unknown):
            break
    return ranked(minutes, info)


def to_measure(minutes: float, info: DatasetInfo) -> RunConfig | None:
    """The configuration whose speed decides most and isn't known: the first or second in rank; None if both are.

    Raises:
        BudgetError: If nothing comparable was recorded.
    """
    return next((one.config for one in ranked(minutes, info)[:2] if not one.is_measured), None)


def ranked(minutes: float, info: DatasetInfo) -> list[Candidate]:
    """The candidates of which something can be expected, at least one, the best first.

    Raises:
        BudgetError: If there is none, or it isn't a time.
    """
    if not 0 < minutes <= MOST_MINUTES:
        raise BudgetError(f"{minutes:g} minutes is no time to train in; give one up to {MOST_MINUTES:,.0f}")
    seen, recipes = expectation.on(info.classes, info.counts["train"]), list(_recipes(info))
    known = {config: found for _, _, config in recipes if (found := speed.remembered(config))}
    found = [_candidate(recipe, minutes, info, seen, known) for recipe in recipes]
    found = sorted(filter(None, found), key=lambda one: one.reaches.low, reverse=True)
    if not found:
        raise BudgetError(
            f"what {minutes:g} minutes on {info.name} bring can't be told from the runs recorded so far; choose "
            "another time, or train a preset on it first"
        )
    return found


Recipe = tuple[str, dict[str, object], RunConfig]


def _recipes(info: DatasetInfo) -> Iterator[Recipe]:
    """Presets and their neighbours that work with the data on this machine."""
    environment = devices.environment(info.counts["train"], len(info.classes))
    size = {"model.image_size": info.image_size} if info.image_size else {}
    for preset in presets.offered(devices.describe().device):
        base = RunConfig.model_validate(presets.build(preset))
        for factors in NEIGHBOURS:
            changed: dict[str, object] = {
                f"model.{name}": int(getattr(base.model, name) * factor) for name, factor in factors.items()
            }
            try:
                config = validate(presets.build(preset, size | changed, data=info), environment)
            except ConfigError:
                continue
            yield preset, changed, config


def _candidate(
    recipe: Recipe, minutes: float, info: DatasetInfo, seen: Expectation, known: dict[RunConfig, Speed]
) -> Candidate | None:
    """A recipe with the length that fills the time; None if that is too short, or nothing can be expected of it."""
    preset, changed, config = recipe
    images, rate = info.counts["train"], known.get(config) or _estimated(config, known)
    around = speed.seconds_around(_lasting(config, minutes), info.counts.get("test", 0), rate)
    left = math.floor(10 * (minutes - around / 60)) / 10
    if left < LEAST_MINUTES:
        return None
    config = _lasting(config, left)
    epochs = speed.steps(config, images, rate) / max(1, training_images(config, images) // config.train.batch_size)
    reaches = seen.of(config, epochs)
    settings = changed | {LENGTH: left}
    is_measured = recipe[2] in known
    return Candidate(preset, settings, config, rate, is_measured, epochs, reaches) if reaches else None


def _lasting(config: RunConfig, minutes: float) -> RunConfig:
    return validate(merge(config.to_json(), {**dict.fromkeys(LENGTHS), LENGTH: minutes}))


def _estimated(config: RunConfig, known: dict[RunConfig, Speed]) -> Speed:
    """The speed of the measured recipe that costs most nearly the same, in proportion to the cost."""
    flops = cost.training_flops(config.model)
    if not known:
        training = OPERATIONS * devices.describe().cores / flops
        return Speed(training=training, validation=PASSES * training)
    apart = {other: math.log(cost.training_flops(other.model) / flops) for other in known}
    nearest = min(known, key=lambda other: abs(apart[other]))
    factor = math.exp(COST_POWER * apart[nearest])
    rate = known[nearest]
    return rate.model_copy(update={"training": rate.training * factor, "validation": rate.validation * factor})


def reasons(candidates: list[Candidate], minutes: float) -> list[str]:
    """Why the first one, in short sentences."""
    best, *others = candidates
    known = "measured on this machine" if best.is_measured else "estimated"
    fits = f"{best.speed.training:,.0f} images/s, {known}, so {counted(best.epochs, 'epoch')} fit"
    lines = [
        f"{title(best)}: {fits} into {counted(minutes, 'minute')}, {best.settings[LENGTH]:g} of them training.",
        f"Expected val accuracy: {band(best.reaches)} (80% band, from {counted(best.reaches.count, 'similar run')}).",
    ]
    for second in others[:1]:
        would = f"would see {counted(second.epochs, 'epoch')} and reach {band(second.reaches)}"
        lines.append(f"Next best: {title(second)} {would}.")
    return lines


def title(candidate: Candidate) -> str:
    """The preset's title and what is different: ``5 minutes with depth 6``."""
    changed = [f"{name.partition('.')[2]} {value}" for name, value in candidate.settings.items() if name != LENGTH]
    preset = f'"{presets.PRESETS[candidate.preset].title}"'
    return f"{preset} with {' and '.join(changed)}" if changed else preset
