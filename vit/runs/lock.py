"""Proof of life: the worker holds a lock that the operating system frees when the worker dies, however it dies."""

import os
from pathlib import Path

from filelock import FileLock, Timeout

if os.name == "posix":
    import fcntl

WAIT_SECONDS = 1  # a probe may touch the lock for an instant; a second worker must not outwait the first one


def hold(path: Path) -> FileLock:
    """Take a run's lock for as long as this process lives.

    Raises:
        filelock.Timeout: If another process holds it.
    """
    lock = FileLock(path, timeout=WAIT_SECONDS)
    lock.acquire()
    return lock


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock; probing never takes it away from anybody."""
    if os.name == "posix":
        return _is_flocked(path)
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def _is_flocked(path: Path) -> bool:
    """A shared lock is refused exactly while somebody holds the exclusive one, and probes don't exclude each other."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
