"""``runs`` and ``stop``: what runs there are, keeping them in order, and ending one."""

import argparse
import json
import time
from pathlib import Path

from vit import files, text
from vit.cli.lines import say
from vit.errors import RunError
from vit.runs import about, archive, keeping, launch
from vit.runs.directory import Run
from vit.runs.status import RunState, list_runs, state_of

STOP_SECONDS = 120.0


def add_parser(commands) -> None:
    parser = commands.add_parser("runs", help="list the runs, newest first; rename, note, delete, export, import one")
    parser.add_argument("--json", action="store_true", help="one JSON list on stdout")
    parser.set_defaults(func=runs)
    _add_actions(parser.add_subparsers(metavar="ACTION"))
    stop_parser = commands.add_parser("stop", help="end a run after saving a checkpoint; resume continues it")
    stop_parser.add_argument("run", metavar="RUN")
    stop_parser.set_defaults(func=stop)


def _add_actions(actions) -> None:
    def add(name: str, func, about: str, *positional: str) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, help=about)
        for word in positional:
            parser.add_argument(word, metavar=word.upper(), **({"type": Path} if word == "file" else {}))
        parser.set_defaults(func=func)
        return parser

    add("rename", rename, "give a run another name", "run", "name")
    note_parser = add("note", note, "write a note about a run, or tags; shows both", "run")
    note_parser.add_argument("text", metavar="TEXT", nargs="?", help="the new note; '' removes it")
    note_parser.add_argument("--tags", metavar="TAG,TAG", help="the new tags; '' removes all")
    add("delete", delete, "move a run to the deleted ones", "run")
    add("deleted", deleted, "list the deleted runs")
    add("restore", restore, "bring a deleted run back", "run")
    add("export", export, "write a run as one tar", "run").add_argument(
        "--out", required=True, type=Path, metavar="FILE", help="where to write, such as first.tar"
    )
    add("import", import_run, "make a run of such a tar", "file")


def runs(args: argparse.Namespace) -> None:
    states = list_runs()
    if args.json:
        print(json.dumps([_entry(state) for state in states], allow_nan=False))
    else:
        for words in map(line, states) if states else ["No runs yet. Start one: python -m vit train"]:
            say(words)


def _entry(state: RunState) -> dict:
    return state.to_json() | about.read_about(Run.find(state.id)).model_dump(mode="json")


def line(state: RunState) -> str:
    """One run as a line of a table."""
    status = state.status
    accuracy = f"{status.best_val_accuracy:6.1%}" if status.best_val_accuracy is not None else "     -"
    steps = f"{status.step:,}/{status.total_steps:,}" if status.total_steps else "-"
    return f"{state.id:24} {state.state:12} {accuracy}  step {steps:18} {state.launch.data}"


def rename(args: argparse.Namespace) -> None:
    say(f"{args.run} is called {keeping.rename(args.run, args.name).id} now")


def note(args: argparse.Namespace) -> None:
    tags = None if args.tags is None else args.tags.split(",")
    if args.text is None and tags is None:
        said = about.read_about(Run.find(args.run))
    else:
        said = about.write_about(args.run, args.text, tags)
    for part in (said.note, f"tags: {', '.join(said.tags) or 'none'}"):
        say(part) if part else None


def delete(args: argparse.Namespace) -> None:
    entry = keeping.delete(args.run)
    say(f"deleted {entry.id}; 'python -m vit runs restore {entry.id}' brings it back")


def deleted(args: argparse.Namespace) -> None:
    for entry in keeping.deleted():
        say(f"{entry.id:24} {text.size(entry.size()):>8}  deleted {text.clock(entry.time)}")


def restore(args: argparse.Namespace) -> None:
    say(f"{keeping.restore(keeping.latest(args.run).key).id} is back")


def export(args: argparse.Namespace) -> None:
    if not args.out.parent.is_dir():
        raise RunError(f"the folder {args.out.parent} does not exist; create it or choose another --out")
    with files.replacing(args.out) as temporary, open(temporary, "wb") as file:
        archive.write(args.run, file)
    say(f"wrote {args.out}")


def import_run(args: argparse.Namespace) -> None:
    if not args.file.is_file():
        raise RunError(f"there is no file {args.file}; check the path")
    found = archive.read(args.file)
    say(found.words)


def stop(args: argparse.Namespace) -> None:
    """Ask the worker to save and end, and wait until it has."""
    run = launch.command(args.run, "stop")
    end = time.monotonic() + STOP_SECONDS
    while (state := state_of(run)).is_alive:
        if time.monotonic() > end:
            raise RunError(f"run {run.id} has not stopped within {STOP_SECONDS:.0f} s; see {run.log_path}")
        time.sleep(0.1)
    say(f"{state.state} at step {state.status.step:,}")
