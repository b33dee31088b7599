"""The lock of everything that changes which runs there are and which of them waits, whoever does it."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from vit import files, paths
from vit.errors import RunError

WAIT_SECONDS = 20


@contextmanager
def control() -> Iterator[None]:
    """Held for the milliseconds in which a run is created, queued, moved, renamed or deleted.

    One such change at a time makes one clean state of whatever two tabs or two shells ask for at once. A thread that
    holds it may take it again.

    Raises:
        RunError: If another process doesn't give it back.
    """
    root = paths.runs_root()
    files.make_folder(root)
    lock = FileLock(root / ".control.lock", timeout=WAIT_SECONDS, is_singleton=True)
    try:
        lock.acquire()
    except Timeout as error:
        raise RunError(f"another program has been changing the runs for {WAIT_SECONDS} s; try again") from error
    try:
        yield
    finally:
        lock.release()
