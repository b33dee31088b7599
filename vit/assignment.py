"""An assignment: locked settings, a goal and a time, as a file that a teacher hands out. Never imports torch."""

from pydantic import Field, JsonValue, ValidationError

from vit import presets
from vit.config import LENGTHS, field_names, merge
from vit.errors import ConfigError, Problem
from vit.rules import find_problems
from vit.runs.changes import read_changes
from vit.runs.directory import Record, Run, Share, read_json

MAX_BYTES = 100_000


class Assignment(Record):
    """What a class is to do.

    Attributes:
        title: Its name.
        task: What to do, in the teacher's words.
        preset: The preset to begin with.
        locked: Dotted settings that nobody may change, with their values.
        minutes: The longest time of training, in minutes; None for any.
        goal: Val accuracy to reach, 0 to 1; None for none.
    """

    title: str = Field(min_length=1, max_length=120)
    task: str = Field(default="", max_length=4000)
    preset: str = Field(max_length=64)
    locked: dict[str, JsonValue] = {}
    minutes: float | None = Field(default=None, gt=0, le=100_000)
    goal: Share | None = None

    def encode(self) -> bytes:
        """The file to hand out."""
        return self.model_dump_json(indent=1).encode()


def read(content: bytes) -> Assignment:
    """An assignment from its file, which may come from anywhere.

    Raises:
        ConfigError: If it is none, or its settings can't work; with all problems.
    """
    if len(content) > MAX_BYTES:
        raise ConfigError([Problem("assignment", f"{len(content)} bytes", f"an assignment has at most {MAX_BYTES}")])
    try:
        found = Assignment.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "assignment"
        raise ConfigError([Problem(where, "", f"is not as an assignment has it: {first['msg']}")]) from error
    problems = [*_unknown(found)]
    if not problems:
        problems = [*find_problems(merge(presets.build(found.preset), _settings(found)))]
    if problems:
        raise ConfigError(problems)
    return found


def _unknown(found: Assignment) -> list[Problem]:
    known = ", ".join(presets.PRESETS)
    wrong = [] if found.preset in presets.PRESETS else [Problem("preset", found.preset, f"there is {known}")]
    return wrong + [
        Problem(name, value, "there is no such setting")
        for name, value in found.locked.items()
        if name not in field_names()
    ]


def _settings(found: Assignment) -> dict[str, JsonValue]:
    """The locked settings; a length among them replaces the preset's."""
    given = any(found.locked.get(name) is not None for name in LENGTHS)
    return (dict.fromkeys(LENGTHS) if given else {}) | found.locked


def broken_locks(found: Assignment, run: Run) -> list[str]:
    """The locked settings that a run has changed, at its start or while it trained; each as a sentence."""
    raw = read_json(run.config_path) or {}
    at_start = {name: (raw.get(name.partition(".")[0]) or {}).get(name.partition(".")[2]) for name in found.locked}
    words = [
        f"{name} is {value}, and the assignment says {found.locked[name]}"
        for name, value in at_start.items()
        if value != found.locked[name]
    ]
    return words + [
        f"{name} was changed to {value} at step {change.step:,}"
        for change in read_changes(run)
        for name, value in change.settings.items()
        if name in found.locked and value != found.locked[name]
    ]
