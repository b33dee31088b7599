"""Creating, starting and commanding runs."""

import os
import random
import time
from pathlib import Path
from typing import Literal, get_args

from vit import files, paths, processes
from vit.config import RunConfig
from vit.errors import RunError
from vit.runs.directory import Run, check_id
from vit.runs.status import RESUMABLE, read_launch, state_of, write_launch

Command = Literal["stop", "pause", "save"]
COMMANDS: tuple[Command, ...] = get_args(Command)
ADJECTIVES = (
    "able bold brave bright brisk calm clear clever cosy eager fair fast fine fond glad keen kind light "
    "lively lucky merry mild neat nimble noble proud quick quiet ready sharp shy sleek smart solid sunny "
    "swift tidy warm wise witty "
).split()
ANIMALS = (
    "badger bear beaver bison crane deer dingo dove eagle egret falcon ferret finch fox gecko heron ibis "
    "jay koala lark lemur lynx marten mole moose newt ocelot otter owl panda puffin quail raven robin "
    "seal shrew stoat stork swan tapir tiger toad vole walrus weasel wolf wren yak zebra "
).split()


def new_id() -> str:
    """A name that no run has yet, such as ``quick-otter``."""
    for _ in range(100):
        name = f"{random.choice(ADJECTIVES)}-{random.choice(ANIMALS)}"
        if not (paths.runs_root() / name).exists():
            return name
    return f"run-{time.time_ns():x}"


def launch(config: RunConfig, run_id: str | None = None) -> Run:
    """Create a run and start its worker.

    Raises:
        RunError: If the name is taken or can't be a name, or the runs folder can't be written.
    """
    run = create(config, new_id() if run_id is None else run_id)
    start(run)
    return run


def create(config: RunConfig, run_id: str) -> Run:
    """Claim the name and write the configuration. Of several that try the same name, exactly one succeeds."""
    check_id(run_id)
    run = Run(paths.runs_root() / run_id)
    try:
        files.make_folder(run.path.parent)
        run.path.mkdir(mode=files.PRIVATE)
        run.checkpoints_path.mkdir()
        run.lock_path.touch()
        write_launch(run, config.preset, config.data.source)
        files.write_json(run.config_path, config.to_json())
    except FileExistsError as error:
        raise RunError(f"there is already a run called {run_id!r}; choose another name") from error
    except OSError as error:
        raise RunError(f"the run can't be created in {run.path.parent}: {error.strerror}") from error
    return run


def start(run: Run) -> None:
    """Start the worker of a run."""
    run.command_path.unlink(missing_ok=True)
    processes.spawn("vit.training", str(run.path), log=run.log_path)


def resume(run_id: str) -> Run:
    """Continue a run from its last checkpoint, or from the start if it has none.

    Raises:
        RunError: If there is no such run, or it is running or finished.
    """
    run = Run.find(run_id)
    state = state_of(run).state
    if state not in RESUMABLE:
        raise RunError(f"run {run_id} is {state}; only {', '.join(RESUMABLE)} runs can be resumed")
    launched = read_launch(run)
    write_launch(run, launched.preset, launched.data)
    start(run)
    return run


def command(run_id: str, word: Command) -> Run:
    """Leave a command for the worker, which reads it between two steps.

    Raises:
        RunError: If the run isn't running.
    """
    run = Run.find(run_id)
    state = state_of(run)
    if not state.is_alive:
        raise RunError(f"run {run_id} is {state.state}, so there is nothing to {word}")
    files.write_bytes(run.command_path, word.encode())
    return run


def waiting_command(run: Run) -> Command | None:
    """The command that the worker has not taken yet."""
    return _read_command(run.command_path)


def take_command(run: Run) -> Command | None:
    """The command that waits for the worker; it is removed. One that is left meanwhile waits for the next call."""
    taken = run.command_path.with_suffix(".taken")
    try:
        os.replace(run.command_path, taken)
    except FileNotFoundError:
        return None
    word = _read_command(taken)
    taken.unlink()
    return word


def _read_command(path: Path) -> Command | None:
    try:
        word = path.read_text().strip()
    except OSError:
        return None
    return next((command for command in COMMANDS if command == word), None)
