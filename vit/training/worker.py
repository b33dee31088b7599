"""The worker's life: wait for the machine, prepare, train, test once, and leave a closing record."""

import dataclasses
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
from vit.training import hardware, measure
from vit.training.batches import RunData, prepare
from vit.training.evaluate import evaluate
from vit.training.loop import ENDS, train
from vit.training.plan import Plan, read_plan, share_or_count, steps_in_budget, total_steps, write_plan
from vit.training.recorder import Recorder
from vit.training.session import Session, start_session
from vit.training.transfer import start_from

NUM_PINNED = 8
MIN_SPEEDS = 10  # reports, about a second each
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
                _train(run, config, recorder)
            else:
                recorder.event(outcome, f"{outcome.capitalize()} while waiting for another run.")
                recorder.status(outcome, finished=time.time())
    except Exception as error:  # the outermost: whatever happened belongs into the closing record
        traceback.print_exc()
        recorder.event("failed", f"Failed: {explain(error)}")
        recorder.status("failed", finished=time.time(), error={"message": explain(error), "kind": type(error).__name__})
        return 1
    return 0


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
    threads = hardware.set_up(earlier.threads if earlier else config.train.threads)
    data = load_data(config, device)
    plan = earlier or make_plan(config, data, device, threads, recorder)
    check_same_data(plan, data)
    recorder.begin(config, plan)
    if earlier is None:
        write_plan(run, plan)
        recorder.pin(data)
    else:
        warn_if_elsewhere(plan, device, recorder)
    session = open_session(run, config, data, recorder)
    recorder.status("training", session)
    outcome = train(session, data, config, plan, recorder)
    remember_speed(run, config)
    if outcome == "finished":
        test_once(run, data, plan, recorder)
    recorder.event(outcome, f"{outcome.capitalize()} at step {session.step:,}.", session)
    recorder.status(outcome, session, finished=time.time())


def load_data(config: RunConfig, device: torch.device) -> RunData:
    """Load the data set and check the configuration against what it really is."""
    dataset = load(config.data.source, config.model.image_size)
    validate(config.to_json(), Surroundings(num_train=len(dataset.train.labels), num_classes=len(dataset.classes)))
    return prepare(dataset, config, device)


def make_plan(config: RunConfig, data: RunData, device: torch.device, threads: int, recorder: Recorder) -> Plan:
    """Fix everything that a later attempt must not decide again; measures the machine if the length is in minutes."""
    per_epoch = data.steps_per_epoch(config.train.batch_size)
    pinned = pinned_places(data)
    plan = Plan(
        total_steps=total_steps(config.train, per_epoch) or 1,
        steps_per_epoch=per_epoch,
        warmup_steps=0,
        eval_steps=1,
        num_train=len(data.train.labels),
        num_val=len(data.val.labels),
        num_test=len(data.test.labels) if data.test else 0,
        classes=data.classes,
        mean=tuple(data.mean.tolist()),
        std=tuple(data.std.tolist()),
        data_name=data.name,
        data_fingerprint=data.fingerprint,
        pinned=pinned,
        pinned_labels=tuple(data.val.labels[list(pinned)].tolist()),
        grid_size=config.model.grid_size,
        device=device.type,
        device_name=torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        precision=hardware.choose_precision(config.train, device),
        threads=threads,
        torch=torch.__version__,
        images_per_second=None,
        minutes=config.train.minutes,
    )
    if config.train.minutes is not None:
        plan = fit_into_minutes(plan, config, data, recorder)
    eval_steps = max(1, share_or_count(config.train.eval_every, plan.total_steps))
    warmup = share_or_count(config.train.warmup, plan.total_steps)
    return dataclasses.replace(plan, eval_steps=eval_steps, warmup_steps=warmup)


def fit_into_minutes(plan: Plan, config: RunConfig, data: RunData, recorder: Recorder) -> Plan:
    """Measure a few steps and turn the minutes into a fixed number of them."""
    recorder.status("measuring")
    seconds = measure.seconds_per_step(config, data, plan.precision)
    steps = steps_in_budget(config, seconds, measure.seconds_per_evaluation(config, data, plan.precision))
    speed = config.train.batch_size / seconds
    remember(config, speed)
    recorder.event("planned", f"Measured {speed:,.0f} images/s: {config.train.minutes:g} minutes are {steps:,} steps.")
    return dataclasses.replace(plan, total_steps=steps, images_per_second=speed)


def pinned_places(data: RunData) -> tuple[int, ...]:
    """The first validation picture of each of the first classes, topped up with whatever comes first."""
    labels = data.val.labels.tolist()
    firsts = [labels.index(label) for label in sorted(set(labels))]
    others = [place for place in range(len(labels)) if place not in firsts]
    return tuple((firsts + others)[:NUM_PINNED])


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


def remember_speed(run: Run, config: RunConfig) -> None:
    """Let the next form tell how fast this configuration is; a glimpse is no measurement."""
    speeds = curve(read_metrics(run), "images_per_second")[1]
    if len(speeds) >= MIN_SPEEDS:
        remember(config, statistics.median(speeds))


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
    if config.init.checkpoint:
        report = start_from(session.network, config.init, data.classes)
        recorder.event("transferred", f"Started from {config.init.checkpoint}: {report}.", session)
        session = dataclasses.replace(session, ema=_fresh_average(session))
    elif recorder.attempt > 1:
        recorder.resumed(session)
    recorder.event("started", f"Training {recorder.plan.total_steps:,} steps.", session)
    return session


def _fresh_average(session: Session) -> dict | None:
    return session.ema and {name: tensor.clone() for name, tensor in session.network.state_dict().items()}


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
