"""Forks: runs that go on from a checkpoint of another run, with other settings from that step on."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue, ValidationError

from vit import files
from vit.errors import RunError
from vit.rules import read
from vit.runs import launch
from vit.runs.changes import Change, Course, check, read_changes, write_change
from vit.runs.directory import Count, Record, Run
from vit.runs.launched import read_launch
from vit.runs.locks import control
from vit.runs.plan import read_plan


class Fork(Record):
    """``fork.json``: where a run comes from."""

    parent: str
    step: Count


def read_fork(run: Run) -> Fork | None:
    """Where a run comes from; None if it is nobody's fork."""
    try:
        return Fork.model_validate_json(run.fork_path.read_bytes())
    except (OSError, ValidationError):
        return None


def fork(
    parent_id: str, step: int, settings: Mapping[str, JsonValue], run_id: str | None = None, owner: str = ""
) -> Run:
    """Make a run that goes on from a checkpoint of another one, and let it wait for its turn.

    It takes the plan of its parent and what had been changed up to that step. Without other settings it does what its
    parent did, bit by bit.

    Args:
        parent_id: The run to go on from.
        step: Of one of its checkpoints; small ones, kept to look back, have no optimizer state.
        settings: What is different from that step on, by dotted name.
        run_id: Name of the new run.
        owner: Who asks for it, on a server that several people share.

    Raises:
        RunError: If there is no such run or checkpoint, or the name is taken.
        ConfigError: If a setting can't be changed, or not to that value.
    """
    parent = Run.find(parent_id)
    with control():
        course = _course(parent)
        config, _ = course.at(step)
        check(config, settings)
        source = _whole_checkpoint(parent, step)
        launched = read_launch(parent)
        run = launch.claim(run_id or launch.new_id(), launched.preset, launched.data, owner)
        try:
            _fill(run, parent, source, step, settings)
        except OSError as error:
            shutil.rmtree(run.path)
            raise RunError(f"the fork can't be written: {error.strerror or error}") from error
    launch.start(run)
    return run


def _course(parent: Run) -> Course:
    plan = read_plan(parent)
    if plan is None:
        raise RunError(f"run {parent.id} has not begun yet, so there is nothing to go on from")
    return Course(parent, read(parent.config_path), plan)


def _whole_checkpoint(parent: Run, step: int) -> Path:
    """The file of a checkpoint with optimizer state."""
    files_by_step = {saved.step: saved.file for saved in parent.saved()}
    if step not in files_by_step:
        have = ", ".join(map(str, files_by_step)) or "none yet"
        raise RunError(f"run {parent.id} has no whole checkpoint of step {step}; it has {have}")
    return parent.checkpoints_path / files_by_step[step]


def _fill(run: Run, parent: Run, source: Path, step: int, settings: Mapping[str, JsonValue]) -> None:
    """Copy what the parent had at that step. The configuration comes last, because it makes the folder a run."""
    copies = [(source, run.checkpoints_path / source.name)]
    copies += [(getattr(parent, name), getattr(run, name)) for name in ("tracked_image_path", "plan_path")]
    for old, new in copies:
        if old.exists():
            with files.replacing(new) as temporary:
                shutil.copyfile(old, temporary)
    for change in read_changes(parent):
        if change.step <= step:
            write_change(run, change)
    if settings:
        write_change(run, Change(step=step, settings=dict(settings)))
    files.write_json(run.fork_path, Fork(parent=parent.id, step=step).model_dump())
    files.write_json(run.config_path, read(parent.config_path).to_json())
