"""``runs`` and ``stop``: what runs there are, and ending one."""

import argparse
import json
import time

from vit.cli.lines import say
from vit.errors import RunError
from vit.runs import launch
from vit.runs.status import RunState, list_runs, state_of

STOP_SECONDS = 120.0


def add_parser(commands) -> None:
    parser = commands.add_parser("runs", help="list the runs, newest first")
    parser.add_argument("--json", action="store_true", help="one JSON list on stdout")
    parser.set_defaults(func=runs)
    stop_parser = commands.add_parser("stop", help="end a run after saving a checkpoint; resume continues it")
    stop_parser.add_argument("run", metavar="RUN")
    stop_parser.set_defaults(func=stop)


def runs(args: argparse.Namespace) -> None:
    states = list_runs()
    if args.json:
        print(json.dumps([state.to_json() for state in states], allow_nan=False))
    else:
        for text in map(line, states) if states else ["No runs yet. Start one: python -m vit train"]:
            say(text)


def line(state: RunState) -> str:
    """One run as a line of a table."""
    status = state.status
    accuracy = f"{status.best_val_accuracy:6.1%}" if status.best_val_accuracy is not None else "     -"
    steps = f"{status.step:,}/{status.total_steps:,}" if status.total_steps else "-"
    return f"{state.id:24} {state.state:12} {accuracy}  step {steps:18} {state.launch.data}"


def stop(args: argparse.Namespace) -> None:
    """Ask the worker to save and end, and wait until it has."""
    run = launch.command(args.run, "stop")
    end = time.monotonic() + STOP_SECONDS
    while (state := state_of(run)).is_alive:
        if time.monotonic() > end:
            raise RunError(f"run {run.id} has not stopped within {STOP_SECONDS:.0f} s; see {run.log_path}")
        time.sleep(0.1)
    say(f"{state.state} at step {state.status.step:,}")
