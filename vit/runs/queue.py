"""The runs that wait for the machine, in order.

``.queue.json`` in the runs folder is the order. ``vit.runs.starter`` is the process that starts the first one; it lives
as long as something waits. A worker leaves the queue by itself once it holds the lock of its run.
"""

from pathlib import Path

from vit import files, paths, processes
from vit.errors import RunError
from vit.runs import commands
from vit.runs.directory import Run, read_json
from vit.runs.launched import write_launch
from vit.runs.locks import control


def waiting() -> list[str]:
    """The names of the runs that wait, the next one first."""
    ids = (read_json(_path()) or {}).get("waiting")
    return [run_id for run_id in ids if isinstance(run_id, str)] if isinstance(ids, list) else []


def add(run: Run) -> None:
    """Let a run wait for its turn, which comes at once if the machine is free; one that waits keeps its place."""
    with control():
        start_starter()  # before the run waits: if this process dies in between, nothing waits for ever
        commands.clear(run)
        write_launch(run)
        ids = waiting()
        if run.id not in ids:
            _write([*ids, run.id])


def move(run_id: str, place: int) -> None:
    """Put a waiting run at a place in the order; 0 is the next one.

    Raises:
        RunError: If it doesn't wait.
    """
    with control():
        ids = waiting()
        if run_id not in ids:
            raise RunError(f"run {run_id} does not wait; its turn has come, or it was withdrawn")
        ids.remove(run_id)
        ids.insert(max(0, place), run_id)
        _write(ids)


def withdraw(run_id: str) -> None:
    """Take a waiting run out of the queue; it can be resumed later.

    Raises:
        RunError: If it doesn't wait.
    """
    with control():
        if run_id not in waiting():
            raise RunError(f"run {run_id} does not wait; its turn has come, or it was withdrawn")
        leave(run_id)
        write_launch(Run.find(run_id), is_withdrawn=True)


def leave(run_id: str) -> None:
    """Take a run out of the order, if it is there: its worker lives now, or it is gone."""
    with control():
        if run_id in (ids := waiting()):
            _write([other for other in ids if other != run_id])


def ensure() -> None:
    """Start the process that starts runs if something waits and it has died, such as with the machine."""
    if waiting():
        start_starter()


def start_starter() -> None:
    """Start the process that starts runs unless it lives; it needs ``control`` to see that nothing waits, and ends."""
    if not processes.is_held(starter_lock()):
        processes.spawn("vit.runs.starter", log=paths.runs_root() / ".queue.log")


def _write(ids: list[str]) -> None:
    files.write_json(_path(), {"waiting": ids})


def _path() -> Path:
    return paths.runs_root() / ".queue.json"


def starter_lock() -> Path:
    return paths.runs_root() / ".queue.lock"
