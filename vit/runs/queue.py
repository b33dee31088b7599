"""The runs that wait for the machine, in order."""

from vit.errors import RunError


def waiting() -> list[str]:
    """The names of the runs that wait, the next one first."""
    return []


def move(run_id: str, place: int) -> None:
    """Put a waiting run at a place in the order; 0 is the next one.

    Raises:
        RunError: If it doesn't wait.
    """
    raise RunError(f"run {run_id} does not wait; its turn has come, or it was withdrawn")


def withdraw(run_id: str) -> None:
    """Take a waiting run out of the queue; it can be resumed later.

    Raises:
        RunError: If it doesn't wait.
    """
    raise RunError(f"run {run_id} does not wait; its turn has come, or it was withdrawn")
