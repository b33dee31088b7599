"""Evaluating in the background: start it and follow it. No torch."""

from vit import jobs
from vit.evaluation import directory
from vit.evaluation.directory import Evaluation


def start(evaluation: Evaluation) -> None:
    """Evaluate in a process of its own, which goes on where an earlier one was cancelled.

    Raises:
        JobError: If it is being evaluated already.
    """
    go_on(evaluation)
    directory.note_look(evaluation)


def go_on(evaluation: Evaluation, *extras: str) -> None:
    """The same for parts that were not made yet, or for some of ``directory.EXTRAS``: nobody looks at test once more.

    Raises:
        JobError: If it is being made already.
    """
    identity, name = evaluation.identity, job_name(evaluation, *extras)
    jobs.start("evaluate", name, "vit.evaluation.job", identity.model, identity.data, identity.split, *extras)


def job_name(evaluation: Evaluation, *extras: str) -> str:
    """The name of the job, under which ``vit.jobs`` knows it."""
    return "-".join(["evaluate", evaluation.identity.key, *extras])
