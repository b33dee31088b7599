"""``budget``: what to train in the time there is."""

import argparse
import shlex
import sys
import time

from vit import budget
from vit.cli.lines import say
from vit.config import RunConfig
from vit.data import catalog
from vit.runs import speed

MEASURE_SECONDS = 60.0  # how long a measurement may take; it waits for a run that uses the machine
POLL_SECONDS = 0.2


def add_parser(commands) -> None:
    about = "Recommend a configuration for the time there is. The command that trains it goes to stdout."
    parser = commands.add_parser("budget", help="recommend what to train in some minutes", description=about)
    parser.add_argument("--minutes", type=float, required=True, metavar="M")
    parser.add_argument("--data", default="shapes", metavar="SOURCE", help="a data set's name")
    parser.set_defaults(func=recommend)


def recommend(args: argparse.Namespace) -> None:
    best, *others = budget.recommend(args.minutes, catalog.describe(args.data), _measured)
    for line in budget.reasons([best, *others], args.minutes):
        say(line, file=sys.stderr)
    words = ["python", "-m", "vit", "train", "--preset", best.preset, "--data", args.data]
    words += ["--minutes", f"{best.settings.pop(budget.LENGTH):g}"]
    for name, value in best.settings.items():
        words += ["--set", f"{name}={value}"]
    say(shlex.join(words))


def _measured(config: RunConfig) -> bool:
    """Measure in a process of its own, and wait for it."""
    say("Measuring this machine, some ten seconds ...", file=sys.stderr)
    speed.measure(config)
    end = time.monotonic() + MEASURE_SECONDS
    while speed.remembered(config) is None and speed.is_measuring(config) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    return speed.remembered(config) is not None
