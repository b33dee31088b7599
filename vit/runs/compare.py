"""The settings of several runs side by side: as configured, as planned, and as changed while they trained."""

from vit.config import field_names
from vit.errors import RunError
from vit.runs.changes import read_changes
from vit.runs.directory import Run, read_json
from vit.runs.plan import Plan, read_plan

PLANNED = ("total_steps", "num_train", "num_val", "device_name", "processes", "threads", "precision", "torch")

Values = list[tuple[int, object]]  # what a setting is from which step on; the first is from step 0 on


def settings(run: Run) -> dict[str, Values]:
    """Every setting of a run by its dotted name, and what was planned by it as ``plan.NAME``.

    Returns:
        For each the value at its start, and those it was given later; empty if the configuration can't be read.
    """
    raw = read_json(run.config_path) or {}
    found: dict[str, Values] = {}
    for name in field_names():
        section, _, key = name.partition(".")
        part = raw.get(section)
        if isinstance(part, dict) and key in part:
            found[name] = [(0, part[key])]
    found |= {f"plan.{name}": [(0, value)] for name, value in _planned(run).items()}
    for change in read_changes(run):
        later = dict(change.settings) | ({"plan.total_steps": change.total_steps} if change.total_steps else {})
        for name, value in later.items():
            if name in found and found[name][-1][1] != value:
                found[name].append((change.step, value))
    return found


def _planned(run: Run) -> dict[str, object]:
    plan: Plan | None
    try:
        plan = read_plan(run)
    except RunError:  # its own page says so
        plan = None
    return {name: getattr(plan, name) for name in PLANNED} if plan else {}


def differing(found: list[dict[str, Values]]) -> list[str]:
    """The settings in which some of the runs differ, in their order; one that a run lacks differs."""
    names = dict.fromkeys(name for values in found for name in values)
    return [name for name in names if any(values.get(name) != found[0].get(name) for values in found)]


def words(values: Values | None) -> str:
    """Values as a table shows them: ``0.001``, or ``0.001, from step 400: 0.0001``."""
    if not values:
        return "–"
    first, *later = values
    return ", ".join([_word(first[1]), *(f"from step {step:,}: {_word(value)}" for step, value in later)])


def _word(value: object) -> str:
    return "–" if value is None else ("yes" if value else "no") if isinstance(value, bool) else str(value)
