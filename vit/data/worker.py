"""The process behind ``vit.data.jobs``: does one download or import and keeps saying how far it is."""

import argparse
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

from filelock import Timeout

from vit import paths
from vit.data import download, importing, jobs
from vit.data.importing import Progress
from vit.data.jobs import JobStatus
from vit.data.store import DatasetInfo
from vit.errors import VitError
from vit.runs import lock

WRITE_SECONDS = 0.25


class Cancelled(BaseException):
    """Raised by SIGTERM; not an Exception, so that nothing mistakes it for a failure."""


class Reporter:
    """Writes progress to the job's file, a few times a second."""

    def __init__(self, job: JobStatus):
        self.job = job
        self._written = 0.0

    def counting(self, unit: str) -> Progress:
        """A progress callback for one stage of the job, in ``unit``."""
        began = []

        def report(done: int, total: int, message: str) -> None:
            began[:] = began or [time.monotonic(), done]
            seconds = time.monotonic() - began[0]
            rate = (done - began[1]) / seconds if seconds > 0.5 else 0.0
            self._update(replace(self.job, done=done, total=total, unit=unit, rate=rate, message=message))

        return report

    def _update(self, job: JobStatus) -> None:
        self.job = job
        if time.monotonic() - self._written > WRITE_SECONDS:
            jobs.write(job)
            self._written = time.monotonic()

    def end(self, state: str, message: str = "", error: str | None = None) -> None:
        """Say how it ended."""
        jobs.write(replace(self.job, state=state, rate=0.0, message=message, error=error))


def main(argv: list[str] | None = None) -> None:
    """Run one job, unless another process has it."""
    args = _parse(argv)
    signal.signal(signal.SIGTERM, _on_sigterm)
    try:
        with lock.hold(jobs.lock_path(args.name)):
            job = jobs.status(args.name)
            if job and job.state == "running":
                _run(args, Reporter(replace(job, pid=os.getpid())))
    except Timeout:
        print("another process is doing this already")


def _run(args: argparse.Namespace, reporter: Reporter) -> None:
    """Work, and record every way in which that can end."""
    jobs.write(reporter.job)
    try:
        info = _work(args, reporter)
    except Cancelled:
        reporter.end("cancelled", "cancelled; what was downloaded is kept")
    except VitError as error:
        reporter.end("failed", error=str(error))
    except OSError as error:
        reporter.end("failed", error=f"{error.strerror or error}: {error.filename or paths.data_root()}")
    else:
        reporter.end("finished", f"{sum(info.counts.values()):,} pictures, {info.num_broken} could not be read")


def _work(args: argparse.Namespace, reporter: Reporter) -> DatasetInfo:
    on_pictures = reporter.counting("pictures")
    if args.kind == "fetch":
        return download.fetch(args.name, reporter.counting("B"), on_pictures)
    return importing.import_as(args.name, args.path, args.image_size, on_pictures)


def _on_sigterm(*_) -> None:
    raise Cancelled


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("fetch", "import"))
    parser.add_argument("name")
    parser.add_argument("--path", type=Path)
    parser.add_argument("--image-size", type=int, default=importing.DEFAULT_SIZE)
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
