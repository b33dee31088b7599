"""Background jobs (downloads, imports, measurements, sweeps): started, followed and cancelled in one way.

A job is a process of its own that survives the app. In ``.jobs/``, ``NAME.json`` is its status, which only the job
writes once it runs; ``NAME.lock`` proves that it is alive; ``NAME.log`` is its output. Never imports torch.
"""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from filelock import Timeout
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from vit import files, paths, processes
from vit.errors import JobError, VitError

START_SECONDS = 20.0  # until a new process must hold its lock
WRITE_SECONDS = 0.25  # between two writes of the status

Kind = Literal["fetch", "import", "measure", "sweep", "question", "lesson", "evaluate", "nearest", "duplicates"]
State = Literal["running", "finished", "failed", "cancelled", "interrupted"]
Progress = Callable[[int, int, str], None]  # done, total, message


@dataclass(frozen=True, config=ConfigDict(allow_inf_nan=False))
class Job:
    """The status of a job."""

    name: str  # unique among jobs, such as the name of the data set
    kind: Kind  # what it does
    state: State  # ``interrupted`` if its process died without a closing record; it can be started again
    done: int = 0  # progress, in ``unit``
    total: int = 0  # of how much; 0 if not known yet
    unit: str = ""  # ``B`` for bytes, or ``images``
    rate: float = 0.0  # ``unit`` per second
    message: str = ""  # what it does now, or its result
    error: str | None = None  # why it failed, and the remedy
    started: float = 0.0  # Unix time in seconds
    pid: int = 0  # its process; 0 before the process runs


_JOB = TypeAdapter(Job)


def start(kind: Kind, name: str, module: str, *arguments: str) -> None:
    """Run a module as a job; in its process it calls ``run`` with the same name.

    Raises:
        JobError: If the job is running already.
    """
    if is_running(name):
        raise JobError(f"{name} is being worked on already: wait until that has finished, or cancel it.")
    files.make_folder(folder())
    write(Job(name, kind, "running", started=time.time()))
    log = folder() / f"{name}.log"
    log.unlink(missing_ok=True)
    processes.spawn(module, *arguments, log=log)


def status(name: str) -> Job | None:
    """The status of the latest job of this name; None if there is none, or its record is damaged."""
    recorded = _read(name)
    if recorded is None or _may_live(recorded):
        return recorded
    latest = _read(name)  # once more: a job that ends writes its closing record before it gives its lock back
    if latest and latest.state == "running" and latest.pid == recorded.pid:
        return replace(latest, state="interrupted", rate=0.0)
    return latest


def _read(name: str) -> Job | None:
    try:
        return replace(_JOB.validate_json((folder() / f"{name}.json").read_bytes()), name=name)
    except (OSError, ValidationError):
        return None


def _may_live(job: Job) -> bool:
    """Whether a record can be believed: it is a closing one, or its process is on its way or holds its lock."""
    is_starting = not job.pid and 0 <= time.time() - job.started < START_SECONDS
    return job.state != "running" or is_starting or processes.is_held(lock_path(job.name))


def is_running(name: str) -> bool:
    job = status(name)
    return job is not None and job.state == "running"


def active(*kinds: Kind) -> list[Job]:
    """All running jobs of these kinds."""
    found = [status(path.stem) for path in sorted(folder().glob("[!.]*.json"))]
    return [job for job in found if job and job.state == "running" and job.kind in kinds]


def cancel(name: str) -> None:
    """Ask a running job to end."""
    job = status(name)
    if job and job.state == "running" and job.pid and processes.is_held(lock_path(name)):
        os.kill(job.pid, signal.SIGTERM)


def write(job: Job) -> None:
    """Replace the status of a job."""
    files.write_json(folder() / f"{job.name}.json", _JOB.dump_python(job))


def lock_path(name: str) -> Path:
    return folder() / f"{name}.lock"


def folder() -> Path:
    return paths.home() / ".jobs"


class Cancelled(BaseException):
    """Raised by SIGTERM; not an Exception, so that no handler mistakes it for a failure."""


class Reporter:
    """Writes the progress of a job to its status file, a few times a second."""

    def __init__(self, job: Job):
        self.job = job
        self._written = 0.0

    def progress(self, unit: str) -> Progress:
        """A progress callback for one stage of the job, in ``unit``."""
        began: list[float] = []

        def report(done: int, total: int, message: str) -> None:
            if not began or done < self.job.done:  # another part of the work
                began[:] = [time.monotonic(), done]
            seconds = time.monotonic() - began[0]
            rate = (done - began[1]) / seconds if seconds > 0.5 else 0.0
            self.job = replace(self.job, done=done, total=total, unit=unit, rate=rate, message=message)
            if time.monotonic() - self._written > WRITE_SECONDS:
                write(self.job)
                self._written = time.monotonic()

        return report

    def close(self, state: State, message: str = "", error: str | None = None) -> None:
        """Write the closing record."""
        write(replace(self.job, state=state, rate=0.0, message=message, error=error))


def run(name: str, work: Callable[[Reporter], str]) -> None:
    """Do a job in this process unless another process does it, and record how it ends.

    Args:
        name: As given to ``start``.
        work: Does the job; its return value is the message of the closing record.
    """
    signal.signal(signal.SIGTERM, _raise_cancelled)
    try:
        with processes.hold(lock_path(name)):
            job = status(name)
            if job and job.state == "running":
                _work(work, Reporter(replace(job, pid=os.getpid())))
    except Timeout:
        print("another process does this job already")


def _work(work: Callable[[Reporter], str], reporter: Reporter) -> None:
    write(reporter.job)
    try:
        message = work(reporter)
    except Cancelled:
        reporter.close("cancelled", "cancelled; what was done is kept")
    except VitError as error:
        reporter.close("failed", error=str(error))
    except MemoryError:
        reporter.close("failed", error="out of memory; close other programs, or use a smaller file or model")
    except OSError as error:
        reporter.close("failed", error=f"{error.strerror or error}: {error.filename or paths.home()}")
    else:
        reporter.close("finished", message)


def _raise_cancelled(*_) -> None:
    raise Cancelled
