"""The worker's life: wait for the machine, prepare, train, test once, and leave a closing record."""

import os
import signal
import statistics
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from filelock import FileLock, Timeout

from vit import checkpoint, paths
from vit.config import RunConfig
from vit.data.load import load
from vit.errors import RunError, VitError
from vit.rules import Surroundings, read, validate
from vit.runs.directory import Run
from vit.runs.metrics import curve, read_metrics
from vit.runs.speed import remember
from vit.runs.state import ENDED, state_of
from vit.training import hardware, team
from vit.training.batches import RunData, prepare
from vit.training.compiling import compile_ahead
from vit.training.evaluate import evaluate
from vit.training.lead import lead
from vit.training.loop import ENDS, train
from vit.training.plan import Plan, read_plan, write_plan
from vit.training.planning import make_plan
from vit.training.recorder import Bystander, Recorder
from vit.training.session import Session, start_session
from vit.training.transfer import start_from
from vit.training.whiten import whiten

MIN_SECONDS = 10.0  # of training, before its speed is remembered
QUEUE_SECONDS = 1.0  # between two looks for a command while another run computes


def work(run: Run) -> int:
    """Do a run from wherever it stands to its end; the caller holds the run's lock.

    Returns:
        The exit code: 0 unless the run failed.
    """
    recorder = Recorder(run)
    signal.signal(signal.SIGTERM, lambda *_: setattr(recorder, "stop_asked", True))
    try:
        config = read(run.config_path)
        with machine_slot(recorder) as outcome:
            if outcome is None:
                _train_or_lead(run, config, recorder)
            else:
                recorder.event(outcome, f"{outcome.capitalize()} while waiting for another run.")
                recorder.status(outcome, finished=time.time())
    except Exception as error:  # the outermost: whatever happened belongs into the closing record
        traceback.print_exc()
        close_as_failed(recorder, error)
        return 1
    return 0


def _train_or_lead(run: Run, config: RunConfig, recorder: Recorder) -> None:
    """Train in this process, or in several whose supervisor this one becomes."""
    earlier = read_plan(run)
    processes = earlier.processes if earlier else team.largest(config.train, hardware.choose_device(config.train))
    if processes == 1:
        _train(run, config, recorder)
    else:
        _lead(run, processes, recorder)


def _lead(run: Run, processes: int, recorder: Recorder) -> None:
    """Look after a team, whose rank 0 writes from here on; if it can't go on, the record is closed here."""
    recorder.status("preparing", started=time.time(), error=None)
    try:
        lead("vit.training", str(run.path), processes)
    except RunError as error:
        close_as_failed(Recorder(run, is_new_attempt=False), error)


def work_in_team(run: Run) -> int:
    """The same in one process of a team, which torchrun starts anew with all the others if one of them dies.

    Returns:
        The exit code: 0 also if the run failed for a reason that would be the same the next time.
    """
    with team.membership():
        recorder = _team_recorder(run)
        try:
            _train(run, read(run.config_path), recorder)
        except (VitError, OSError, MemoryError, torch.OutOfMemoryError) as error:
            traceback.print_exc()
            close_as_failed(recorder, error)
        except RuntimeError:  # what torch raises where the others have gone
            team.end_without_supervisor()
            if state_of(run).status.get("phase") not in ENDED:
                raise
    return 0


def _team_recorder(run: Run) -> Recorder:
    """Rank 0 writes; the others leave it to rank 0 to be asked to stop, because all must stop at the same step."""
    if team.rank():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return Bystander(run)
    is_supervised = team.SUPERVISOR in os.environ and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
    recorder = Recorder(run, is_new_attempt=not is_supervised)
    signal.signal(signal.SIGTERM, lambda *_: setattr(recorder, "stop_asked", True))
    return recorder


def close_as_failed(recorder: Recorder, error: Exception) -> None:
    """The closing record of a run that can't go on."""
    recorder.event("failed", f"Failed: {explain(error)}")
    recorder.status("failed", finished=time.time(), error={"message": explain(error), "kind": type(error).__name__})


@contextmanager
def machine_slot(recorder: Recorder) -> Iterator[str | None]:
    """Only one run computes at a time; others wait in line, shown as queued, and can be stopped there.

    Yields:
        None once it is our turn, or how the waiting was ended: ``stopped`` or ``paused``.
    """
    recorder.status("queued")
    slot, outcome = FileLock(paths.runs_root() / ".machine.lock"), None
    while outcome is None and not _is_our_turn(slot):
        outcome = ENDS.get(recorder.take_command())
    try:
        yield outcome
    finally:
        slot.release()


def _is_our_turn(slot: FileLock) -> bool:
    try:
        slot.acquire(timeout=QUEUE_SECONDS)
    except Timeout:
        return False
    return True


def explain(error: Exception) -> str:
    """What happened, in words a person can act on."""
    if isinstance(error, VitError):
        return str(error)
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return "out of memory; the last checkpoint is kept. Use a smaller batch_size, embed_dim or depth"
    if isinstance(error, OSError):
        return f"the disk refused: {error.strerror or error}. Free some space and resume; the last checkpoint is kept"
    return f"{type(error).__name__}: {error}"


def _train(run: Run, config: RunConfig, recorder: Recorder) -> None:
    """Prepare, train, and close the run with the way it ended."""
    recorder.status("preparing", started=time.time(), error=None)
    device = hardware.choose_device(config.train)
    earlier = read_plan(run)
    hardware.set_up(earlier.threads if earlier else config.train.threads)
    data = load_data(config, device)
    precision = earlier.precision if earlier else hardware.choose_precision(config.train, device)
    if config.train.compile:
        recorder.status("compiling")
        config = compile_ahead(config, data, precision, recorder.event)
    plan = earlier or make_plan(config, data, device, recorder)
    check_same_data(plan, data)
    if not team.shrink(plan.processes):
        return
    hardware.set_up(plan.threads)
    recorder.begin(config, plan)
    if earlier is None:
        write_plan(run, plan)
        recorder.pin(data)
    else:
        warn_if_elsewhere(plan, device, recorder)
    session = open_session(run, config, data, recorder)
    recorder.status("training", session)
    outcome = train(session, data, config, plan, recorder)
    if not team.shrink(1):
        return
    hardware.set_up(config.train.threads)
    remember_speed(run, config, session.seconds)
    if outcome == "finished":
        test_once(run, data, plan, recorder)
    recorder.event(outcome, f"{outcome.capitalize()} at step {session.step:,}.", session)
    recorder.status(outcome, session, finished=time.time())


def load_data(config: RunConfig, device: torch.device) -> RunData:
    """Load the data set and check the configuration against what it really is."""
    dataset = load(config.data.source, config.model.image_size)
    validate(config.to_json(), Surroundings(num_train=len(dataset.train.labels), num_classes=len(dataset.classes)))
    return prepare(dataset, config, device)


def check_same_data(plan: Plan, data: RunData) -> None:
    """A run may only go on with the very data it began with."""
    if plan.data_fingerprint != data.fingerprint:
        raise RunError(
            f"the data set {data.name!r} has changed since this run began (it was {plan.data_fingerprint[:12]}, now "
            f"{data.fingerprint[:12]}); start a new run"
        )


def warn_if_elsewhere(plan: Plan, device: torch.device, recorder: Recorder) -> None:
    """Say so when a run goes on under circumstances in which its bits may differ from an uninterrupted one's."""
    here = {"torch": torch.__version__, "device": device.type}
    changed = [
        f"{name} {getattr(plan, name)}, now {value}" for name, value in here.items() if getattr(plan, name) != value
    ]
    if changed:
        recorder.event("warning", f"Goes on elsewhere than it began ({'; '.join(changed)}): rounding may differ.")


def remember_speed(run: Run, config: RunConfig, seconds: float) -> None:
    """Let the next form tell how fast this configuration is; a glimpse is no measurement."""
    if seconds >= MIN_SECONDS:
        remember(config, statistics.median(curve(read_metrics(run), "images_per_second")[1]))


def open_session(run: Run, config: RunConfig, data: RunData, recorder: Recorder) -> Session:
    """Start anew, or continue from the newest checkpoint that is whole."""
    session = start_session(config, data.mean.device)
    for saved in reversed(run.saved()):
        try:
            tensors, info = checkpoint.load(run.checkpoints_path / saved.file)
        except VitError as error:
            recorder.event("warning", f"{error}. Continuing from the checkpoint before it.")
            continue
        session.step, session.seconds = info.step, info.metrics["seconds"]
        session.val = {key: value for key, value in info.metrics.items() if key.startswith("val_")}
        session.restore(tensors)
        recorder.resumed(session)
        return session
    _begin(session, config, data, recorder)
    if recorder.attempt > 1:
        recorder.resumed(session)
    recorder.event("started", f"Training {recorder.plan.total_steps:,} steps.", session)
    return session


def _begin(session: Session, config: RunConfig, data: RunData, recorder: Recorder) -> None:
    """Give a fresh network what it starts with beside its random weights."""
    if config.init.checkpoint:
        report = start_from(session.network, config.init, data.classes)
        recorder.event("transferred", f"Started from {config.init.checkpoint}: {report}.", session)
    elif config.train.whiten:
        whiten(session.network, data)
    if session.ema is not None:
        session.ema = {name: tensor.clone() for name, tensor in session.network.state_dict().items()}


def test_once(run: Run, data: RunData, plan: Plan, recorder: Recorder) -> None:
    """Judge the best checkpoint on the test split, which nothing has looked at before."""
    if data.test is None:
        return
    recorder.status("testing")
    network, info = checkpoint.load_with_info(run.checkpoint_path("best"))
    figures = evaluate(
        network.to(data.mean.device), data.test.images, data.test.labels, data.mean, data.std, plan.precision
    )
    recorder.event("tested", f"Test accuracy {figures['accuracy']:.2%} (checkpoint of step {info.step:,}).")
    recorder.status("testing", test={**figures, "step": info.step})
