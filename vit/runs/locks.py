"""The lock of everything that changes which runs there are and which of them waits, whoever does it."""

from filelock import FileLock

from vit import files, paths


def control() -> FileLock:
    """Held for the milliseconds in which a run is created, started, moved, renamed or deleted.

    One such change at a time makes one clean state of whatever two tabs or two shells ask for at once. A thread that
    holds it may take it again.
    """
    root = paths.runs_root()
    files.make_folder(root)
    return FileLock(root / ".control.lock", is_singleton=True)
