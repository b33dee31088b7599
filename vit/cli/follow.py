"""Watching a run from a shell."""

import sys
import time

from vit.cli.progress import Progress
from vit.runs.directory import Run, read_lines
from vit.runs.status import RunState, state_of

POLL_SECONDS = 0.5


def follow(run: Run) -> str:
    """Show a run's progress and events until it ends; returns the state it ended in.

    Raises:
        KeyboardInterrupt: If the person has seen enough; the run goes on, and they are told how to end it.
    """
    try:
        with Progress(run.id, unit="steps") as progress:
            return _watch(run, progress)
    except KeyboardInterrupt:
        ways = f"'python -m vit stop {run.id}' ends it, 'python -m vit resume {run.id} --follow' continues it then"
        print(f"Run {run.id} goes on: {ways}.", file=sys.stderr)
        raise


def _watch(run: Run, progress: Progress) -> str:
    shown = len(read_lines(run.events_path)) if state_of(run).status.step else 0
    while True:
        state = state_of(run)
        events = read_lines(run.events_path)
        for event in events[shown:]:
            progress.note(event["text"])
        shown = len(events)
        if state.status.total_steps:
            progress(state.status.step, state.status.total_steps, describe(state))
        if not state.is_alive:
            return state.state
        time.sleep(POLL_SECONDS)


def describe(state: RunState) -> str:
    """Where a run is: ``training, epoch 1.20, best val accuracy 56.1%``."""
    best = state.status.best_val_accuracy
    accuracy = f", best val accuracy {best:.1%}" if best is not None else ""
    return f"{state.status.phase if state.is_alive else state.state}, epoch {state.status.epoch:.2f}{accuracy}"
