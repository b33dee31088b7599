"""Creating, starting and commanding runs. Workers are detached: closing the app or the terminal doesn't touch them."""

import os
import subprocess
import sys
import time
from pathlib import Path

from vit import files, paths
from vit.config import RunConfig
from vit.errors import RunError
from vit.runs.directory import Run, check_id
from vit.runs.names import new_id
from vit.runs.state import RESUMABLE, state_of

COMMANDS = ("stop", "pause", "save")
# Waiting threads sleep instead of spinning. Where other programs want the cores, too (a browser, say), a spinning
# thread keeps the very core that the thread it waits for needs: measured 4 to 8 times slower on two busy cores.
# And glibc keeps what a step has freed for the next one, instead of giving it back and having every page of it faulted
# in again: thousands of pages a step, depending on where the heap happens to end.
ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),  # bytes; the most that glibc takes
    "MALLOC_TRIM_THRESHOLD_": str(512 * 2**20),
}


def launch(config: RunConfig, run_id: str | None = None) -> Run:
    """Create a run and start its worker.

    Raises:
        RunError: If the name is taken or can't be a name, or the runs folder can't be written.
    """
    run = create(config, run_id or new_id())
    start(run)
    return run


def create(config: RunConfig, run_id: str) -> Run:
    """Claim the name and write the configuration. Of several that try the same name, exactly one succeeds."""
    check_id(run_id)
    run = Run(paths.runs_root() / run_id)
    try:
        run.path.parent.mkdir(parents=True, exist_ok=True)
        run.path.mkdir()
        run.checkpoints_path.mkdir()
        run.lock_path.touch()
        files.write_json(run.status_path, first_status(config))
        files.write_json(run.config_path, config.to_json())
    except FileExistsError as error:
        raise RunError(f"there is already a run called {run_id!r}; choose another name") from error
    except OSError as error:
        raise RunError(f"the run can't be created in {run.path.parent}: {error.strerror}") from error
    return run


def first_status(config: RunConfig) -> dict:
    """What is known of a run before its worker lives."""
    return {"phase": "queued", "launched": time.time(), "preset": config.preset, "data": config.data.source}


def start(run: Run) -> None:
    """Start the worker in a session of its own, with a log file instead of a pipe that this process would own."""
    run.command_path.unlink(missing_ok=True)
    with open(run.log_path, "ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "vit.training", str(run.path)],
            cwd=paths.PROJECT,
            env={**os.environ, **ENVIRONMENT, "VIT_HOME": str(paths.home())},  # absolute: cwd differs
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def resume(run_id: str) -> Run:
    """Continue a run from its last checkpoint, or from the start if it has none.

    Raises:
        RunError: If there is no such run, or it is running or finished.
    """
    run = Run.find(run_id)
    state = state_of(run).state
    if state not in RESUMABLE:
        raise RunError(f"run {run_id} is {state}; only {', '.join(RESUMABLE)} runs can be resumed")
    files.write_json(run.status_path, {**(state_of(run).status), "phase": "queued", "launched": time.time()})
    start(run)
    return run


def command(run_id: str, word: str) -> Run:
    """Leave a command for the worker, which reads it between two steps.

    Raises:
        RunError: If the run isn't running.
    """
    assert word in COMMANDS, word
    run = Run.find(run_id)
    state = state_of(run)
    if not state.is_alive:
        raise RunError(f"run {run_id} is {state.state}, so there is nothing to {word}")
    files.write_bytes(run.command_path, word.encode())
    return run


def waiting_command(run: Run) -> str | None:
    """The command that the worker has not taken yet."""
    try:
        word = run.command_path.read_text().strip()
    except OSError:
        return None
    return word if word in COMMANDS else None


def take_command(run: Run) -> str | None:
    """The command waiting for the worker, which is thereby taken."""
    word = waiting_command(run)
    if word:
        run.command_path.unlink(missing_ok=True)
    return word


def log_tail(path: Path, lines: int = 40, most_bytes: int = 64_000) -> str:
    """The end of a log file, however long it is."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - most_bytes))
            content = file.read()
    except OSError:
        return ""
    return "\n".join(content.decode(errors="replace").splitlines()[-lines:])
