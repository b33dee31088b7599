"""What a page or a shell asks of a living worker: one small file per command, so that none is lost or overwritten."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args
from uuid import uuid4

from pydantic import Field, JsonValue, ValidationError

from vit import files
from vit.runs.directory import Positive, Record, Run

Word = Literal["stop", "pause", "continue", "save", "evaluate", "change", "extend"]
WORDS: tuple[Word, ...] = get_args(Word)
LASTING: tuple[Word, ...] = ("change", "extend")  # they hold for the run, so they also wait for its next worker


class Command(Record):
    """What to do between two steps.

    Attributes:
        id: Name of its file: the order in which commands were left, and unique.
        settings: Of ``change``: new values by dotted name.
        steps: Of ``extend``: updates to add.
    """

    word: Word
    id: str = ""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    steps: Positive | None = None


def leave(run: Run, command: Command) -> None:
    """Leave a command for the worker; it is on disk once this returns."""
    files.make_folder(run.commands_path)
    name = f"{time.time_ns():020d}-{uuid4().hex[:8]}.json"
    files.write_json(run.commands_path / name, command.model_dump(mode="json", exclude={"id"}))


def waiting(run: Run) -> list[Command]:
    """The commands that the worker has not followed yet, oldest first; a damaged one is left out."""
    return [command for path in _paths(run) if (command := _read(path))]


def first(run: Run, words: Sequence[Word] = WORDS) -> Command | None:
    """The oldest of these commands that waits; a damaged one before it is removed."""
    for path in _paths(run):
        command = _read(path)
        if command is None:
            path.unlink(missing_ok=True)
        elif command.word in words:
            return command
    return None


def remove(run: Run, command: Command) -> None:
    """Forget a command, which was followed."""
    (run.commands_path / f"{command.id}.json").unlink(missing_ok=True)


def clear(run: Run) -> None:
    """Forget what was asked of a worker that is gone, apart from what holds for the run."""
    for command in waiting(run):
        if command.word not in LASTING:
            remove(run, command)


def _paths(run: Run) -> list[Path]:
    try:
        return sorted(path for path in run.commands_path.iterdir() if path.suffix == ".json" and path.name[0] != ".")
    except FileNotFoundError:
        return []


def _read(path: Path) -> Command | None:
    try:
        return Command.model_validate_json(path.read_bytes()).model_copy(update={"id": path.stem})
    except (OSError, ValidationError):
        return None
