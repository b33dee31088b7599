"""``verify``: whether a result that was handed in is what an assignment asks for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vit import assignment, models, rules, text
from vit.assignment import Assignment
from vit.cli import evaluate
from vit.cli.lines import say
from vit.cli.progress import Progress
from vit.data import catalog
from vit.errors import DataError, RunError
from vit.runs import archive
from vit.runs.directory import Run
from vit.runs.status import state_of

LATE = 1.05  # of the time; the last step and its validation may take a little longer


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: whether it is as it should be, and what was found."""

    is_right: bool
    words: str


def add_parser(commands) -> None:
    about = (
        "Verify a run that was exported against an assignment: locked settings, time, goal, and by evaluating its best "
        "checkpoint here whether its val accuracy is what it says. Exit code 1 if something is not as it should be."
    )
    parser = commands.add_parser("verify", help="verify a result against an assignment", description=about)
    parser.add_argument("assignment", metavar="ASSIGNMENT", type=Path, help="the file that was handed out")
    parser.add_argument("result", metavar="RESULT", type=Path, help="the archive that was handed in (runs export)")
    parser.add_argument("--data", metavar="SOURCE", help="the data set here, if it has another name")
    parser.set_defaults(func=verify)


def verify(args: argparse.Namespace) -> None:
    asked = assignment.read(args.assignment.read_bytes())
    with archive.opened(args.result) as found:
        checks = [*looked_at(asked, found.run, args.data)]
    for check in checks:
        say(f"{'ok' if check.is_right else 'NO'}  {check.words}")
    if not all(check.is_right for check in checks):
        sys.exit(1)


def looked_at(asked: Assignment, run: Run, source: str | None) -> Iterator[Check]:
    """Everything that can be verified without training again."""
    broken = assignment.broken_locks(asked, run)
    yield Check(not broken, f"settings: {'; '.join(broken) or f'{len(asked.locked)} locked, none changed'}")
    if asked.minutes is not None:
        taken = state_of(run).status.seconds / 60
        yield Check(taken <= LATE * asked.minutes, f"time: {taken:.1f} of {asked.minutes:g} minutes")
    told, measured, images = accuracies(run, source)
    is_same = abs(told - measured) < 1.5 / images  # one image may fall to the other side on another processor
    where = f"{text.percent(measured, 2)} measured here on {text.counted(images, 'validation image')}"
    yield Check(is_same, f"val accuracy: {text.percent(told, 2)} told, {where}")
    if asked.goal is not None:
        yield Check(
            measured >= asked.goal, f"goal: {text.percent(measured, 2)}, asked for {text.percent(asked.goal, 2)}"
        )


def accuracies(run: Run, source: str | None) -> tuple[float, float, int]:
    """What the best checkpoint says of its val accuracy, what it reaches here, and on how many images.

    Raises:
        RunError: If it has no validated checkpoint.
        DataError: If the data set is not here.
    """
    path = run.checkpoint_path()
    info, config = models.read_info(path), rules.read(run.config_path)
    told = info.metrics.get("val_accuracy")
    if told is None:
        raise RunError("the result has no checkpoint that was validated")
    name, known = source or config.data.source, [one.name for one in catalog.list_datasets()]
    if source is None and name not in known:  # a path of another machine is no data of ours
        raise DataError(f"the data set {name!r} is not here; there is {', '.join(known)}. Name another with --data")
    with Progress("Reading the data", unit="images", quiet=True) as progress:
        found = evaluate.measure(str(path), name, "val", progress)
    return told, found.accuracy, found.images
