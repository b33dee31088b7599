"""Creating, starting and steering runs."""

import random
import time
from collections.abc import Mapping

from pydantic import JsonValue

from vit import files, paths
from vit.config import RunConfig
from vit.errors import RunError
from vit.runs import commands, queue
from vit.runs.changes import check, in_effect
from vit.runs.commands import Command, Word
from vit.runs.directory import Run, check_id
from vit.runs.launched import write_launch
from vit.runs.locks import control
from vit.runs.plan import Plan, read_plan
from vit.runs.status import CLOSED, RESUMABLE, RunState, read_status, state_of

MOST_STEPS = 100_000_000
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


def launch(config: RunConfig, run_id: str | None = None, owner: str = "") -> Run:
    """Create a run and let it wait for its turn, which comes at once if the machine is free.

    Raises:
        RunError: If the name is taken or can't be a name, or the runs folder can't be written.
    """
    run = create(config, new_id() if run_id is None else run_id, owner)
    start(run)
    return run


def create(config: RunConfig, run_id: str, owner: str = "") -> Run:
    """Claim the name and write the configuration. Of several that try the same name, exactly one succeeds."""
    run = claim(run_id, config.preset, config.data.source, owner)
    try:
        files.write_json(run.config_path, config.to_json())
    except OSError as error:
        raise RunError(f"the run can't be created in {run.path.parent}: {error.strerror}") from error
    return run


def claim(run_id: str, preset: str, data: str, owner: str) -> Run:
    """Make the folder of a run, which is one once it has its configuration.

    Raises:
        RunError: If the name is taken or can't be a name, or the runs folder can't be written.
    """
    check_id(run_id)
    run = Run(paths.runs_root() / run_id)
    try:
        files.make_folder(run.path.parent)
        run.path.mkdir(mode=files.PRIVATE)
        run.checkpoints_path.mkdir()
        run.lock_path.touch()
        write_launch(run, preset=preset, data=data, owner=owner)
    except FileExistsError as error:
        raise RunError(f"there is already a run called {run_id!r}; choose another name") from error
    except OSError as error:
        raise RunError(f"the run can't be created in {run.path.parent}: {error.strerror}") from error
    return run


def start(run: Run) -> None:
    """Let a run wait for its turn."""
    queue.add(run)


def edit(run_id: str, config: RunConfig) -> Run:
    """Give a waiting run, which has not begun yet, another configuration; it keeps its place.

    Raises:
        RunError: If its turn has come.
    """
    run = Run.find(run_id)
    with control():
        if run_id not in queue.waiting() or state_of(run).state != "queued" or run.plan_path.exists():
            raise RunError(f"run {run_id} has begun, so its configuration stays; fork it, or start a new run")
        files.write_json(run.config_path, config.to_json())
        write_launch(run, preset=config.preset, data=config.data.source)
    return run


def resume(run_id: str) -> Run:
    """Continue a run from its last checkpoint, or from the start if it has none, once its turn comes.

    Raises:
        RunError: If there is no such run, or it is alive or finished.
    """
    run = Run.find(run_id)
    with control():
        now = state_of(run)
        if now.is_alive or now.state not in RESUMABLE:
            raise RunError(f"run {run_id} is {now.state}; only {', '.join(RESUMABLE)} runs can be resumed")
        start(run)
    return run


def command(run_id: str, word: Word) -> Run:
    """Ask a run to ``stop``, ``pause``, ``continue``, ``save`` or ``evaluate``; its worker does so between two steps.

    To stop a run that waits for its turn takes it out of the queue. To continue one that is paused, and has lost its
    worker since, resumes it.

    Raises:
        RunError: If the run isn't alive.
    """
    run = Run.find(run_id)
    with control():
        now = state_of(run)
        if word == "stop" and run_id in queue.waiting():
            queue.withdraw(run_id)
        elif word == "continue" and now.state == "paused" and not now.is_alive:
            start(run)
        elif now.is_alive:
            commands.leave(run, Command(word=word))
        else:
            raise RunError(f"run {run_id} is {now.state}, so there is nothing to {word}")
    return run


def change(run_id: str, settings: Mapping[str, JsonValue]) -> Run:
    """Change settings of a run from its next step on; of one that is not alive, from its last checkpoint on.

    Raises:
        RunError: If the run is finished.
        ConfigError: If a setting can't be changed, or not to that value.
    """
    run = Run.find(run_id)
    with control():
        now = state_of(run)
        if now.state == "finished":
            raise RunError(f"run {run_id} is finished; extend it, or fork it with other settings")
        check(in_effect(run, now.status.step), settings)
        commands.leave(run, Command(word="change", settings=dict(settings)))
    return run


def extend(run_id: str, *, epochs: float | None = None, steps: int | None = None, minutes: float | None = None) -> Run:
    """Make a run longer, and continue it if it has ended.

    From then on the learning rate follows the schedule of the longer run, as if its length had been known from the
    start; the warm-up stays as it was.

    Args:
        run_id: A run that has begun.
        epochs: Passes to add; exactly one of the three lengths is given.
        steps: Updates to add.
        minutes: Minutes to add, at the speed that the run has had.

    Raises:
        RunError: If the run has not begun, or the length can't be used.
    """
    run = Run.find(run_id)
    with control():
        now, plan = state_of(run), read_plan(run)
        if plan is None:
            raise RunError(f"run {run_id} has not begun yet; change its length instead")
        more = _more_steps(now, plan, epochs, steps, minutes)
        commands.leave(run, Command(word="extend", steps=more))
        if not now.is_alive or read_status(run).phase in CLOSED:
            start(run)
    return run


def _more_steps(now: RunState, plan: Plan, epochs: float | None, steps: int | None, minutes: float | None) -> int:
    """A length to add, in steps."""
    if steps is None and epochs is not None:
        steps = round(epochs * plan.steps_per_epoch)
    if steps is None and minutes is not None:
        if not now.status.seconds or not now.status.step:
            raise RunError(f"the speed of run {now.id} is not known yet; say by how many epochs or steps")
        steps = round(60 * minutes * now.status.step / now.status.seconds)
    if steps is None or not 1 <= steps <= MOST_STEPS:
        raise RunError(f"a run can be extended by 1 to {MOST_STEPS:,} steps, not by {steps or 0:,}")
    return steps
