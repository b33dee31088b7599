"""What a reader has answered so far, kept on this machine."""

import hashlib
from pathlib import Path

from pydantic import ValidationError

from vit import files, paths
from vit.runs.directory import Record, read_json


class Progress(Record):
    """The chosen answer of each chapter whose question was answered."""

    answers: dict[str, int] = {}


def read(visitor: str = "") -> Progress:
    """A visitor's progress; none yet where its file is missing or can't be read."""
    try:
        return Progress.model_validate(read_json(_path(visitor)) or {})
    except ValidationError:
        return Progress()


def answer(chapter: str, choice: int, visitor: str = "") -> None:
    """Keep the answer to a chapter's question."""
    files.make_folder(paths.lessons_root())
    answers = read(visitor).answers | {chapter: choice}
    files.write_json(_path(visitor), Progress(answers=answers).model_dump())


def reset(visitor: str = "") -> None:
    """Forget all answers, for the next reader."""
    _path(visitor).unlink(missing_ok=True)


def _path(visitor: str) -> Path:
    return paths.lessons_root() / f"{hashlib.sha256(visitor.encode()).hexdigest()[:16]}.json"
