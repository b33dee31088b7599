"""Runs that go on from a checkpoint of another run."""

from pydantic import ValidationError

from vit.runs.directory import Count, Record, Run


class Fork(Record):
    """``fork.json``: the run and the step that this run goes on from."""

    parent: str
    step: Count


def read_fork(run: Run) -> Fork | None:
    """Where a run goes on from; None if it began by itself."""
    try:
        return Fork.model_validate_json(run.fork_path.read_bytes())
    except (OSError, ValidationError):
        return None
