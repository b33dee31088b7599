"""``question``: which of two settings learns more, with an interval, or that there is not enough evidence."""

import argparse
import json
from dataclasses import asdict

from vit.cli.lines import say
from vit.cli.progress import Progress
from vit.cli.train import assignment
from vit.data import catalog
from vit.errors import SweepError
from vit.sweeps import questions
from vit.sweeps.cards import QUESTIONS
from vit.sweeps.questions import OWN, Asked
from vit.text import duration, percent


def add_parser(commands) -> None:
    parser = commands.add_parser("question", help="which of two settings learns more?")
    titles = "; ".join(f"{name}: {question.title}" for name, question in QUESTIONS.items())
    parser.add_argument("name", choices=[*QUESTIONS, OWN], metavar="NAME", help=f"{titles}; {OWN}: from --a and --b")
    parser.add_argument("--data", default="shapes", metavar="SOURCE", help="a data set's name, or a folder or archive")
    parser.add_argument("--seeds", type=count(questions.MOST_SEEDS), default=questions.DEFAULT_SEEDS, metavar="N")
    parser.add_argument("--steps", type=count(questions.MOST_STEPS), default=questions.DEFAULT_STEPS, metavar="N")
    for arm in ("a", "b"):
        parser.add_argument(f"--{arm}", action="append", default=[], type=assignment, metavar="FIELD=VALUE")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.set_defaults(func=ask)


def ask(args: argparse.Namespace) -> None:
    """Train what is missing, and say what it shows. Ctrl-C keeps the seeds that are done."""
    if (args.name == OWN) != bool(args.a or args.b):
        raise SweepError(f"settings after --a and --b make a question of your own: 'question {OWN} --a ... --b ...'")
    question = questions.own(dict(args.a), dict(args.b)) if args.name == OWN else QUESTIONS[args.name]
    data = catalog.resolve(args.data)
    source = data.name if data.kind == "path" else args.data
    asked = questions.ask(questions.propose(question, source, args.seeds, args.steps))
    if asked.missing():
        seconds = questions.expected_seconds(asked, questions.seconds_per_flop(questions.list_asked()))
        with Progress(f"{question.title} (about {duration(seconds)})", unit="seeds") as progress:
            questions.start_and_follow(asked, progress)
    _tell(asked, args.json)


def _tell(asked: Asked, as_json: bool) -> None:
    verdict, pairs = asked.verdict(), asked.pairs()
    if as_json:
        shown = {"id": asked.id, "arms": [arm.label for arm in asked.question.arms]}
        shown |= {"pairs": [pair.model_dump() for pair in pairs], "verdict": asdict(verdict) if verdict else None}
        print(json.dumps(shown, allow_nan=False))
        return
    first, second = (arm.label for arm in asked.question.arms)
    say(f"{'seed':>6}  {first:>20}  {second:>20}")
    for pair in pairs:
        say(f"{pair.seed:6}  {percent(pair.first):>20}  {percent(pair.second):>20}")
    say(verdict.sentence if verdict else "Too few seeds for a verdict.")


def count(most: int, least: int = 1):
    """An argument that is a whole number between bounds."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most:,}")
        return int(text)

    return parse
