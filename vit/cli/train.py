"""``train`` and ``resume``: start runs from a shell, and follow them."""

import argparse
import json
import sys
import time
from pathlib import Path

from vit import devices, models, presets
from vit.cli.lines import say
from vit.cli.progress import Progress
from vit.config import ModelConfig, RunConfig
from vit.data import catalog
from vit.errors import VitError
from vit.rules import find_problems, validate
from vit.runs import launch
from vit.runs.directory import Event, Run, read_records
from vit.runs.status import RunState, state_of
from vit.text import percent

POLL_SECONDS = 0.5  # while watching
# Ways to end that a script must notice.
UNWELL = {"failed": "failed", "interrupted": "was interrupted", "damaged": "is damaged"}


def add_parser(commands) -> None:
    parser = commands.add_parser("train", help="start a run", description="Start a run; it goes on without this shell.")
    add_settings(parser)
    parser.add_argument("--run", metavar="ID", help="the run's name; chosen for you if left out")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--follow", action="store_true", help="watch it; Ctrl-C stops watching, not the run")
    start.add_argument("--prepare", action="store_true", help="write the run's folder and leave its start to torchrun")
    parser.set_defaults(func=train)
    resume_parser = commands.add_parser("resume", help="continue a run")
    resume_parser.add_argument("run", metavar="RUN")
    resume_parser.add_argument("--follow", action="store_true", help="watch it")
    resume_parser.set_defaults(func=resume)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """What says how to train, for every command that does."""
    purposes = "; ".join(f"{preset.name}: {preset.purpose}" for preset in presets.PRESETS.values())
    purposes += f" If left out: {presets.DEFAULT}, on an NVIDIA GPU {presets.GPU_DEFAULT}."
    purposes = purposes.replace("%", "%%")  # argparse formats it
    parser.add_argument("--preset", choices=presets.PRESETS, metavar="NAME", help=purposes)
    parser.add_argument("--data", default="shapes", metavar="SOURCE", help="a data set's name, or a folder or archive")
    parser.add_argument("--init", metavar="MODEL", help="start from a run, a shipped model or a file of weights")
    parser.add_argument("--set", action="append", default=[], type=assignment, metavar="FIELD=VALUE", dest="settings")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=float, metavar="E")
    length.add_argument("--steps", type=int, metavar="N")
    length.add_argument("--minutes", type=float, metavar="M")


def train(args: argparse.Namespace) -> None:
    """Check the configuration, and start the worker."""
    config = configured(args)
    if args.prepare:
        say(str(launch.create(config, launch.new_id() if args.run is None else args.run).path))
    else:
        _started(launch.launch(config, args.run), args.follow)


def configured(args: argparse.Namespace) -> RunConfig:
    """Put the configuration together, and check all of it."""
    overrides = dict(args.settings)
    lengths = {f"train.{name}": getattr(args, name) for name in ("epochs", "steps", "minutes")}
    overrides |= {name: value for name, value in lengths.items() if value is not None}
    preset = args.preset or presets.default(devices.describe().device)
    start = _lasting_model(args.init)
    size = _image_size(presets.build(preset, overrides, init=start))
    with Progress("Reading the data", unit="images") as progress:
        info = catalog.resolve(args.data, size, progress)
    source = info.name if info.kind == "path" else args.data  # means the same from the worker's working directory
    raw = presets.build(preset, {"data.source": source, **overrides}, init=start, data=info)
    config = validate(raw, devices.environment(info.counts["train"], len(info.classes)))
    if config.init.checkpoint:  # refuse weights that don't fit here, rather than in the worker's log
        start = models.read_info(models.resolve(config.init.checkpoint))
        models.check_encoder(config.model, start.model, config.init.checkpoint)
    return config


def resume(args: argparse.Namespace) -> None:
    _started(launch.resume(args.run), args.follow)


def _image_size(raw: dict) -> int:
    """The side to read the data at; a wrong one is told later, together with whatever else is wrong."""
    is_wrong = "model.image_size" in {problem.field for problem in find_problems(raw)}
    return ModelConfig().image_size if is_wrong else int(float(raw["model"]["image_size"]))


def _lasting_model(model: str | None) -> str | None:
    """A file by its whole path, which means the same to the worker, a run or a shipped model as it is.

    Weights of timm become a checkpoint first, and what did not fit is told.
    """
    if not model or models.resolve(model) != Path(model):
        return model
    if models.is_checkpoint(Path(model)):
        return str(Path(model).resolve())
    from vit.weights import adopt_file

    adopted = adopt_file(Path(model))
    for note in adopted.notes:
        say(f"{Path(model).name}: {note}", file=sys.stderr)
    return str(adopted.path)


def assignment(text: str) -> tuple[str, object]:
    """``train.lr=1e-3`` as (field, value); ``null`` means unset."""
    field, equals, value = text.partition("=")
    if not equals or "." not in field:
        raise argparse.ArgumentTypeError(f"{text!r} is not FIELD=VALUE, such as train.lr=1e-3")
    field, value = field.strip(), value.strip()
    try:
        return field, json.loads(value)
    except ValueError:  # neither a number nor true, false or null: text
        return field, value


def _started(run: Run, watch: bool) -> None:
    say(run.id)
    ended = follow(run) if watch else None
    if ended in UNWELL:
        raise VitError(f"run {run.id} {UNWELL[ended]}; see {run.log_path}")


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
        say(f"Run {run.id} goes on: {ways}.", file=sys.stderr)
        raise


def _watch(run: Run, progress: Progress) -> str:
    shown = len(read_records(run.events_path, Event)) if state_of(run).status.step else 0
    while True:
        state = state_of(run)
        events = read_records(run.events_path, Event)
        for event in events[shown:]:
            progress.note(event.text)
        shown = len(events)
        if state.status.total_steps:
            progress(state.status.step, state.status.total_steps, describe(state))
        if not state.is_alive:
            return state.state
        time.sleep(POLL_SECONDS)


def describe(state: RunState) -> str:
    """Where a run is: ``training, epoch 1.20, best val accuracy 56.1%``."""
    best = state.status.best_val_accuracy
    accuracy = f", best val accuracy {percent(best)}" if best is not None else ""
    return f"{state.status.phase if state.is_alive else state.state}, epoch {state.status.epoch:.2f}{accuracy}"
