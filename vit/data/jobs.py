"""Downloads and imports in the background: a process of their own, which survives the app and can be cancelled.

``.jobs/NAME.json`` is what the process says of itself, ``.jobs/NAME.lock`` proves that it lives. No torch.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from vit import files, paths
from vit.data import store
from vit.errors import DataError
from vit.runs import lock

START_SECONDS = 20.0  # until a new process must hold its lock

State = Literal["running", "finished", "failed", "cancelled", "interrupted"]


@dataclass(frozen=True)
class JobStatus:
    """Where a job is.

    Attributes:
        name: Of the data set.
        kind: "fetch" or "import".
        state: "interrupted" means that its process died without a word; start it again.
        done: How much is done, in ``unit``.
        total: Of how much; 0 where nobody knows yet.
        unit: "B" for bytes, or "pictures".
        rate: ``unit`` per second.
        message: What it is doing, or what came out.
        error: Why it failed, and what to do.
        started: Unix time in seconds.
        pid: Its process; 0 before that exists.
    """

    name: str
    kind: str
    state: State
    done: int = 0
    total: int = 0
    unit: str = ""
    rate: float = 0.0
    message: str = ""
    error: str | None = None
    started: float = 0.0
    pid: int = 0


def start(kind: Literal["fetch", "import"], name: str, path: str | None = None, image_size: int | None = None) -> None:
    """Start fetching the data set ``name``, or importing ``path`` under that name.

    Raises:
        DataError: If the name can't be used or is being worked on already.
    """
    store.check_name(name)
    current = status(name)
    if current and current.state == "running":
        raise DataError(f"{name} is being worked on already: wait until that has finished, or cancel it.")
    _folder().mkdir(parents=True, exist_ok=True)
    write(JobStatus(name, kind, "running", started=time.time()))
    command = [sys.executable, "-m", "vit.data.worker", kind, name]
    if path is not None:
        command += ["--path", str(Path(path).expanduser().resolve())]
    if image_size is not None:
        command += ["--image-size", str(image_size)]
    with open(_folder() / f"{name}.log", "wb") as log:
        subprocess.Popen(
            command, cwd=paths.PROJECT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def status(name: str) -> JobStatus | None:
    """Where the latest job of this name is, or None if there never was one."""
    try:
        record = json.loads((_folder() / f"{name}.json").read_text(encoding="utf-8"))
        recorded = JobStatus(**{field.name: record[field.name] for field in fields(JobStatus)})
    except FileNotFoundError:
        return None
    if recorded.state != "running" or _is_alive(recorded):
        return recorded
    return JobStatus(**{**asdict(recorded), "state": "interrupted", "rate": 0.0})


def active() -> list[JobStatus]:
    """All running jobs."""
    found = [status(path.stem) for path in sorted(_folder().glob("[!.]*.json"))]
    return [job for job in found if job and job.state == "running"]


def cancel(name: str) -> None:
    """Ask a running job to stop; what was downloaded is kept for the next time, half an import is removed."""
    job = status(name)
    if job and job.state == "running" and job.pid and lock.is_held(lock_path(name)):
        os.kill(job.pid, signal.SIGTERM)


def write(job: JobStatus) -> None:
    """Record where a job is; its process calls this."""
    files.write_json(_folder() / f"{job.name}.json", asdict(job))


def lock_path(name: str) -> Path:
    return _folder() / f"{name}.lock"


def _is_alive(job: JobStatus) -> bool:
    """Its lock is held, or it is too young to hold it."""
    return lock.is_held(lock_path(job.name)) or (not job.pid and time.time() - job.started < START_SECONDS)


def _folder() -> Path:
    return paths.data_root() / ".jobs"
