"""``pause``, ``continue``, ``save``, ``validate``, ``change``, ``extend``, ``fork`` and ``queue``: steering runs."""

import argparse

from vit.cli.lines import say
from vit.cli.train import assignment
from vit.errors import RunError
from vit.runs import fork, launch, queue
from vit.runs.commands import Word
from vit.runs.directory import Run

# Command: (word for the worker, help)
WORDS: dict[str, tuple[Word, str]] = {
    "pause": ("pause", "pause a run in place; the machine stays with it"),
    "continue": ("continue", "continue a paused run"),
    "save": ("save", "save a checkpoint of a running run now"),
    "validate": ("evaluate", "validate a running run now"),
}


def add_parser(commands) -> None:
    for name, (word, words) in WORDS.items():
        parser = commands.add_parser(name, help=words)
        parser.add_argument("run", metavar="RUN")
        parser.set_defaults(func=steer, word=word)
    _add_change(commands)
    _add_extend(commands)
    _add_fork(commands)
    _add_queue(commands)


def _add_change(commands) -> None:
    parser = commands.add_parser("change", help="change settings of a run from its next step on")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("settings", nargs="+", type=assignment, metavar="FIELD=VALUE", help="such as train.lr=1e-4")
    parser.set_defaults(func=change)


def _add_extend(commands) -> None:
    about = (
        "Make a run longer, and continue it if it has ended. The learning rate follows the longer schedule from now on."
    )
    parser = commands.add_parser("extend", help="make a run longer", description=about)
    parser.add_argument("run", metavar="RUN")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--epochs", type=float, metavar="E")
    length.add_argument("--steps", type=int, metavar="N")
    length.add_argument("--minutes", type=float, metavar="M")
    parser.set_defaults(func=extend)


def _add_fork(commands) -> None:
    parser = commands.add_parser("fork", help="start a run that goes on from a checkpoint of another run")
    parser.add_argument("run", metavar="RUN", help="or RUN@STEP; the last checkpoint if no step is given")
    parser.add_argument("--set", action="append", default=[], type=assignment, metavar="FIELD=VALUE", dest="settings")
    parser.add_argument("--run", metavar="ID", dest="run_id", help="the new run's name; chosen for you if left out")
    parser.set_defaults(func=fork_run)


def _add_queue(commands) -> None:
    parser = commands.add_parser("queue", help="list the runs that wait, next one first; move one of them")
    parser.add_argument("--move", nargs=2, metavar=("RUN", "PLACE"), help="put a waiting run at a place; 1 is the next")
    parser.set_defaults(func=show_queue)


def steer(args: argparse.Namespace) -> None:
    launch.command(args.run, args.word)


def change(args: argparse.Namespace) -> None:
    launch.change(args.run, dict(args.settings))


def extend(args: argparse.Namespace) -> None:
    launch.extend(args.run, epochs=args.epochs, steps=args.steps, minutes=args.minutes)


def fork_run(args: argparse.Namespace) -> None:
    """Fork at the step asked for; the new run's name goes to stdout."""
    parent_id, _, step = args.run.partition("@")
    say(fork.fork(parent_id, _step(Run.find(parent_id), step), dict(args.settings), args.run_id).id)


def _step(run: Run, text: str) -> int:
    """A step as typed; that of the last checkpoint where nothing was."""
    saved = run.saved()
    if not saved:
        raise RunError(f"run {run.id} has no checkpoint yet")
    if text in ("", "last"):
        return saved[-1].step
    if not text.isdecimal():
        raise RunError(f"{text!r} is not a step; write {run.id}@{saved[-1].step}")
    return int(text)


def show_queue(args: argparse.Namespace) -> None:
    """Move a run if asked to, and list what waits."""
    queue.ensure()
    if args.move:
        run_id, place = args.move
        if not place.isdecimal() or int(place) < 1:
            raise RunError(f"{place!r} is not a place; 1 is the next run")
        queue.move(run_id, int(place) - 1)
    for place, run_id in enumerate(queue.waiting(), 1):
        say(f"{place:3} {run_id}")
