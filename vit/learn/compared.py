"""What a comparison of a CNN with a ViT found: started as a job, and kept as a file. Never imports torch."""

import json
from importlib import resources
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from vit import files, jobs, paths
from vit.runs.directory import Count, Record, Share

NETWORKS, SHARES = ("ViT", "CNN"), (0.05, 1.0)


class Row(Record):
    """A validation: of which network, with which share of the training images, after how many steps."""

    network: str
    share: Share
    step: Count
    val_accuracy: Share


_ROWS = TypeAdapter(list[Row])


def job_name(source: str) -> str:
    return f"versus-{source}"


def start(source: str) -> None:
    """Compare on a data set, in a process of its own.

    Raises:
        JobError: If that is being done already.
    """
    jobs.start("lesson", job_name(source), "vit.learn.versus", source)


def write(source: str, rows: list[Row]) -> None:
    """Keep what was found on a data set."""
    files.make_folder(paths.lessons_root())
    files.write_json(_path(source), _ROWS.dump_python(rows))


def read(source: str) -> list[Row]:
    """What was found on a data set on this machine; empty if nothing was, or the file can't be read."""
    try:
        return _ROWS.validate_json(_path(source).read_bytes())
    except (OSError, ValidationError):
        return []


def _path(source: str) -> Path:
    return paths.lessons_root() / f"{job_name(source)}.json"


def measured() -> dict | None:
    """What the project itself has measured over several seeds, if it has; ``bench/versus.py`` writes it."""
    file = resources.files("vit.learn").joinpath("versus.json")
    return json.loads(file.read_text()) if file.is_file() else None
