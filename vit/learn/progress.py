"""What a reader has answered and written so far, kept on this machine."""

import hashlib
from pathlib import Path

from pydantic import ValidationError

from vit import files, paths
from vit.runs.directory import Record, read_json


class Progress(Record):
    """The chosen answer of each chapter whose question was answered; the code of exercises, and which are solved."""

    answers: dict[str, int] = {}
    code: dict[str, str] = {}
    solved: list[str] = []


def read(visitor: str = "") -> Progress:
    """A visitor's progress; none yet where its file is missing or can't be read."""
    try:
        return Progress.model_validate(read_json(_path(visitor)) or {})
    except ValidationError:
        return Progress()


def answer(chapter: str, choice: int, visitor: str = "") -> None:
    """Keep the answer to a chapter's question."""
    known = read(visitor)
    _write(known.model_copy(update={"answers": known.answers | {chapter: choice}}), visitor)


def write_code(exercise: str, text: str, visitor: str = "") -> None:
    """Keep what somebody has written for an exercise."""
    known = read(visitor)
    _write(known.model_copy(update={"code": known.code | {exercise: text}}), visitor)


def solve(exercise: str, visitor: str = "") -> None:
    """Keep that an exercise is solved."""
    known = read(visitor)
    _write(known.model_copy(update={"solved": sorted({*known.solved, exercise})}), visitor)


def reset(visitor: str = "") -> None:
    """Forget all answers and all code, for the next reader."""
    _path(visitor).unlink(missing_ok=True)


def _write(progress: Progress, visitor: str) -> None:
    files.make_folder(paths.lessons_root())
    files.write_json(_path(visitor), progress.model_dump())


def _path(visitor: str) -> Path:
    return paths.lessons_root() / f"{hashlib.sha256(visitor.encode()).hexdigest()[:16]}.json"
