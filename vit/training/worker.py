"""The worker of a run: wait for the machine, load, plan, train, test, and write the closing record."""

import os
import signal
import statistics
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from filelock import FileLock, Timeout

from vit import checkpoint, forecast, paths, processes
from vit.config import RunConfig
from vit.data.load import load
from vit.errors import RunError, VitError
from vit.rules import Environment, read, validate
from vit.runs.changes import Course
from vit.runs.directory import Run
from vit.runs.fork import read_fork
from vit.runs.launched import read_launch
from vit.runs.metrics import read_metrics
from vit.runs.plan import Plan, read_plan, write_plan
from vit.runs.speed import Speed, remember, seconds_to_measure
from vit.runs.status import CLOSED, Failure, Tested, read_status
from vit.training import distributed
from vit.training.batches import RunData, prepare
from vit.training.device import choose_device, compile_ahead, setup
from vit.training.initialization import start_from, whiten
from vit.training.loop import evaluate, fit
from vit.training.planning import make_plan
from vit.training.recorder import NullRecorder, Recorder
from vit.training.state import TrainState, new_state

MIN_SECONDS = 10.0  # of training, before its speed is remembered
QUEUE_SECONDS = 1.0  # between two looks for a command while another run computes

Loader = Callable[[RunConfig, torch.device], RunData]


def work(run: Run) -> int:
    """Do a run from where it stands to its end; the caller holds the run's lock.

    Returns:
        The exit code: 0 unless the run failed.
    """
    recorder = Recorder(run)
    _stop_on_sigterm(recorder)
    try:
        config = read(run.config_path)
        with machine_slot(recorder) as outcome:
            if outcome:
                recorder.close(outcome, f"{outcome.capitalize()} while waiting for another run.")
            elif (count := _num_processes(run, config)) > 1:
                _supervise(run, count, recorder)
            else:
                train(run, config, recorder)
    except Exception as error:  # the outermost: whatever happened belongs into the closing record
        close_as_failed(recorder, error)
        return 1
    return 0


def _num_processes(run: Run, config: RunConfig) -> int:
    plan = read_plan(run)
    return plan.processes if plan else distributed.max_processes(config.train, choose_device(config.train))


def _supervise(run: Run, count: int, recorder: Recorder) -> None:
    """Launch workers, whose rank 0 writes from here on; if they can't go on, the record is closed here."""
    recorder.status("preparing", started=time.time())
    try:
        distributed.launch("vit.training", str(run.path), count)
    except RunError as error:
        close_as_failed(Recorder(run, is_new_attempt=False), error)


def work_as_rank(run: Run) -> int:
    """Do the same in one of several processes, which torchrun starts again together if one of them dies.

    Returns:
        The exit code: 0 also if the run failed for a reason that would be the same the next time.
    """
    with distributed.process_group():
        recorder = rank_recorder(run)
        try:
            train(run, read(run.config_path), recorder)
        except (VitError, OSError, MemoryError, torch.OutOfMemoryError) as error:
            close_as_failed(recorder, error)
        except RuntimeError:  # what torch raises where other ranks have gone
            distributed.exit_if_orphaned()
            if read_status(run).phase not in CLOSED:
                raise
    return 0


def rank_recorder(run: Run) -> Recorder:
    """Rank 0 writes and takes commands; the others ignore SIGTERM, because all must stop at the same step."""
    if distributed.rank():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return NullRecorder(run)
    is_supervised = distributed.SUPERVISOR in os.environ and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
    recorder = Recorder(run, is_new_attempt=not is_supervised)
    _stop_on_sigterm(recorder)
    return recorder


def _stop_on_sigterm(recorder: Recorder) -> None:
    signal.signal(signal.SIGTERM, lambda *_: setattr(recorder, "stop_asked", True))


def close_as_failed(recorder: Recorder, error: Exception) -> None:
    """The closing record of a run that can't go on."""
    traceback.print_exc()
    processes.exit_if_replaced(recorder.run.lock_path)
    failure = Failure(message=explain(error), kind=type(error).__name__)
    recorder.close("failed", f"Failed: {failure.message}", failure=failure)


def explain(error: Exception) -> str:
    """What happened, in words a person can act on."""
    if isinstance(error, VitError):
        return str(error)
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return "out of memory; the last checkpoint is kept. Use a smaller batch_size, embed_dim or depth"
    if isinstance(error, OSError):
        return f"the disk refused: {error.strerror or error}. Free some space and resume; the last checkpoint is kept"
    return f"{type(error).__name__}: {error}"


@contextmanager
def machine_slot(recorder: Recorder) -> Iterator[str | None]:
    """One run computes at a time, or a measurement; the next waits, shown as queued, and can be stopped there.

    Yields:
        None once it is this run's turn, or ``stopped`` if the waiting was ended.
    """
    recorder.status("queued")
    slot, outcome = FileLock(paths.machine_lock()), None
    while outcome is None and not slot.is_locked:
        try:
            slot.acquire(timeout=QUEUE_SECONDS)
        except Timeout:
            outcome = "stopped" if recorder.take_command() == "stop" else None
    try:
        yield outcome
    finally:
        slot.release()


def load_data(config: RunConfig, device: torch.device) -> RunData:
    """Load the data set and check the configuration against what it contains."""
    dataset = load(config.data.source, config.model.image_size)
    validate(config.to_json(), Environment(num_train=len(dataset.train.labels), num_classes=len(dataset.classes)))
    return prepare(dataset, config, device)


def train(run: Run, config: RunConfig, recorder: Recorder, loader: Loader = load_data) -> None:
    """What each process of a run does: set up, load, plan, fit, test, close."""
    recorder.status("preparing", started=time.time())
    earlier = read_plan(run)
    device, precision = setup(config.train, earlier)
    data = loader(config, device)
    if config.train.compile:
        recorder.status("compiling")
    config = compile_ahead(config, data, precision, recorder.event)
    loaded = time.time()
    plan = earlier or make_plan(config, data, device, precision, recorder)
    measuring = time.time() - loaded
    check_same_data(plan, data)
    if not distributed.shrink(plan.processes):
        return
    torch.set_num_threads(plan.threads)
    course = Course(run, config, plan)
    recorder.begin(course)
    if earlier is None and distributed.rank() == 0:
        recorder.write_tracked_images(data)
        forecast.write(run, forecast.of_plan(config, plan))
        write_plan(run, plan)  # last: a run that has a plan lacks nothing of its beginning
    warn_if_moved(plan, device, recorder)
    state = open_state(run, config, data, recorder)
    if state.step == 0 and config.init.checkpoint:
        judge_start(state, data, plan, recorder)
    recorder.status("training", state)
    before = preparation(run, config, measuring) if earlier is None else {}
    outcome = fit(state, data, course, recorder)
    if outcome == "finished":
        test(run, data, plan, recorder)
    if distributed.rank() == 0:
        remember_speed(run, config, plan, recorder.validations, state.seconds, **before)
    recorder.close(outcome, f"{outcome.capitalize()} at step {state.step:,}.", state)


def check_same_data(plan: Plan, data: RunData) -> None:
    """A run may only be resumed with the data it began with."""
    if plan.data_fingerprint != data.fingerprint:
        raise RunError(
            f"the data set {data.name!r} has changed since this run began (it was {plan.data_fingerprint[:12]}, now "
            f"{data.fingerprint[:12]}); start a new run"
        )


def warn_if_moved(plan: Plan, device: torch.device, recorder: Recorder) -> None:
    """Say so when a run is resumed where its bits may differ from those of an uninterrupted run."""
    here = {"torch": torch.__version__, "device": device.type}
    planned = {name: getattr(plan, name) for name in here}
    changed = [f"{name} {planned[name]}, now {value}" for name, value in here.items() if planned[name] != value]
    if changed:
        recorder.event("warning", f"Resumed in another environment ({'; '.join(changed)}): rounding may differ.")


def open_state(run: Run, config: RunConfig, data: RunData, recorder: Recorder) -> TrainState:
    """The state of the newest checkpoint that is whole, or that before the first step."""
    state = new_state(config, data.mean.device)
    for saved in reversed(run.saved()):
        try:
            tensors, info = checkpoint.load(run.checkpoints_path / saved.file)
        except VitError as error:
            recorder.event("warning", f"{error}. Continuing from the checkpoint before it.")
            continue
        state.restore_figures(info.step, info.metrics)
        state.restore(tensors)
        if recorder.attempt == 1 and (fork := read_fork(run)):
            recorder.event("forked", f"Forked from {fork.parent} at step {fork.step:,}.", state)
        else:
            recorder.resumed(state)
        return state
    _initialize(state, config, data, recorder)
    if recorder.attempt > 1:
        recorder.resumed(state)
    recorder.event("started", f"Training {recorder.course.at(0)[1].total_steps:,} steps.", state)
    return state


def judge_start(state: TrainState, data: RunData, plan: Plan, recorder: Recorder) -> None:
    """Evaluate a trained start before its first step, so that the end has something to be compared with."""
    recorder.status("evaluating", state)
    network = state.evaluation_network()
    found = evaluate(network, data.val.images, data.val.labels, data.mean, data.std, plan.precision)
    recorder.event("judged", f"Before the first step: {found.accuracy:.1%} val accuracy.", state)
    recorder.status("evaluating", state, first_val_accuracy=found.accuracy)


def _initialize(state: TrainState, config: RunConfig, data: RunData, recorder: Recorder) -> None:
    """Replace random weights where the configuration asks for it."""
    if config.init.checkpoint:
        report = start_from(state.network, config.init.checkpoint, data.classes)
        recorder.event("transferred", f"Started from {config.init.checkpoint}: {report}.", state)
    elif config.train.whiten:
        whiten(state.network, data)
    if state.ema is not None:
        state.ema = {name: tensor.clone() for name, tensor in state.network.state_dict().items()}


def test(run: Run, data: RunData, plan: Plan, recorder: Recorder) -> None:
    """Evaluate the best checkpoint on the test split, which nothing has used before."""
    if data.test is None:
        return
    recorder.status("testing")
    distributed.barrier()  # rank 0 has saved the last checkpoint
    network, info = checkpoint.load_with_info(run.checkpoint_path("best"))
    network = network.to(data.mean.device)
    found = evaluate(network, data.test.images, data.test.labels, data.mean, data.std, plan.precision)
    recorder.event("tested", f"Test accuracy {found.accuracy:.2%} (checkpoint of step {info.step:,}).")
    result = Tested(accuracy=found.accuracy, loss=found.loss, images=found.images, step=info.step)
    recorder.status("testing", test=result)


def preparation(run: Run, config: RunConfig, measuring: float) -> dict[str, float]:
    """What the time until now says of the next run's; nothing if a person started the processes, who knows when."""
    if distributed.is_worker() and distributed.SUPERVISOR not in os.environ:
        return {}
    seconds = time.time() - read_launch(run).launched - measuring
    return {"preparation": seconds, "measuring": measuring / seconds_to_measure(config.train)}


def remember_speed(
    run: Run, config: RunConfig, plan: Plan, validations: list[tuple[float, float]], seconds: float, **before: float
) -> None:
    """Keep what this run has shown for the next form; a few seconds of training are not enough."""
    if seconds < MIN_SECONDS or not validations:
        return
    training = statistics.median(read_metrics(run).points("images_per_second", "step")[1])
    evaluating, saving = (statistics.median(column) for column in zip(*validations, strict=True))
    remember(config, Speed(training=training, validation=plan.num_val / evaluating, saving=saving, **before))
