"""``launch.json``: what is known of a run before its worker lives."""

import time

from pydantic import Field, ValidationError

from vit import files
from vit.runs.directory import Record, Run, Time, read_json


class Launch(Record):
    """The last launch of a run.

    Attributes:
        launched: Unix time at which it began to wait for its worker.
        is_withdrawn: Whether it was taken out of the queue since.
        owner: Who launched it, on a server that several people share.
        gpus: Numbers of the GPUs that its worker was given, such as ``0,1``; empty for a CPU.
    """

    launched: Time = 0.0
    preset: str = ""
    data: str = ""
    is_withdrawn: bool = False
    gpus: str = ""
    owner: str = Field(default="", max_length=200)


def read_launch(run: Run) -> Launch:
    """The last launch of a run; taken from its configuration if nothing was recorded."""
    try:
        return Launch.model_validate_json(run.launch_path.read_bytes())
    except (OSError, ValidationError):
        raw = read_json(run.config_path) or {}
    data = raw.get("data")
    source = data.get("source") if isinstance(data, dict) else None
    launched = run.config_path.stat().st_mtime if run.config_path.exists() else 0.0
    return Launch(launched=max(0.0, launched), preset=str(raw.get("preset", "")), data=str(source or ""))


def write_launch(run: Run, is_withdrawn: bool = False, gpus: str = "", **fields: str) -> None:
    """Record that a run waits for a worker from now on, or no more; other fields stay as they are."""
    update = {"launched": time.time(), "is_withdrawn": is_withdrawn, "gpus": gpus, **fields}
    files.write_json(run.launch_path, read_launch(run).model_copy(update=update).model_dump())
