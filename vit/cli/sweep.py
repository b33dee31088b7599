"""``sweep``: many runs over a range of settings, from a shell; several shells or machines may work on one."""

import argparse
import json
import sys

from vit.cli.lines import say
from vit.cli.progress import Progress
from vit.cli.question import count
from vit.cli.train import add_settings, configured
from vit.sweeps import directory
from vit.sweeps.definition import DEFAULT_TRIALS, MOST_TRIALS, SAMPLERS, Definition, num_trials, parse
from vit.sweeps.directory import Sweep


def add_parser(commands) -> None:
    parser = commands.add_parser("sweep", help="find good settings with many runs")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    starting = actions.add_parser("start", help="define a sweep and work on it until it is done")
    starting.add_argument("name", metavar="NAME", help="of the sweep; its runs are called NAME-0, NAME-1 and so on")
    add_settings(starting)
    words = "FIELD=VALUE,VALUE or FIELD=LOW..HIGH, with :log for a logarithmic scale; once per setting"
    starting.add_argument("--vary", action="append", required=True, metavar="CHOICE", help=words)
    starting.add_argument("--sampler", choices=SAMPLERS, help="tpe if left out, which learns from earlier trials")
    starting.add_argument(
        "--trials", type=count(MOST_TRIALS), metavar="N", help=f"{DEFAULT_TRIALS} if left out; of a grid, all"
    )
    starting.add_argument(
        "--sampler-seed", type=count(2**31, 0), default=0, metavar="S", help="another seed, other choices"
    )
    starting.add_argument("--no-pruning", action="store_true", help="let every trial train to its end")
    starting.set_defaults(func=start)
    resuming = actions.add_parser("resume", help="work on a sweep that was interrupted, or that others work on, too")
    resuming.add_argument("name", metavar="NAME")
    resuming.set_defaults(func=resume)
    showing = actions.add_parser("show", help="its trials, best first")
    showing.add_argument("name", metavar="NAME")
    showing.add_argument("--json", action="store_true", help="one JSON list on stdout")
    showing.set_defaults(func=show)
    listing = actions.add_parser("list", help="which sweeps there are")
    listing.set_defaults(func=list_all)


def start(args: argparse.Namespace) -> None:
    varied = tuple(parse(words) for words in args.vary)
    sampler = args.sampler or "tpe"
    sweep = directory.create(
        Definition(
            name=args.name,
            config=configured(args).to_json(),
            varied=varied,
            sampler=sampler,
            trials=num_trials(varied, sampler, args.trials),
            seed=args.sampler_seed,
            pruning=not args.no_pruning,
        )
    )
    _work(sweep)


def resume(args: argparse.Namespace) -> None:
    _work(Sweep.find(args.name))


def _work(sweep: Sweep) -> None:
    """Work in this process; Ctrl-C ends it and stops the run of its trial."""
    from vit.sweeps import running  # here, because Optuna takes a moment that other commands should not wait for

    try:
        with Progress(sweep.name, unit="trials") as progress:
            result = running.work(sweep, progress)
    except KeyboardInterrupt:
        say(f"Stopped. 'python -m vit sweep resume {sweep.name}' goes on.", file=sys.stderr)
        raise
    say(result)


def show(args: argparse.Namespace) -> None:
    from vit.sweeps import trials

    found = trials.read(Sweep.find(args.name))
    if args.json:
        print(json.dumps([trial.to_json() for trial in found], allow_nan=False))
    else:
        for trial in sorted(found, key=lambda trial: trial.value or 0.0, reverse=True):
            say(trial.line())


def list_all(args: argparse.Namespace) -> None:
    sweeps = directory.list_sweeps()
    for sweep in sweeps:
        definition = sweep.definition()
        varied = "; ".join(map(str, definition.varied))
        say(f"{sweep.name:24} {definition.sampler}, {definition.trials} trials: {varied}")
    if not sweeps:
        say("No sweeps yet. Start one: python -m vit sweep start NAME --vary train.lr=1e-4..1e-2:log")
