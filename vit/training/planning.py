"""The plan of a new run, and the speed of this machine, which decides processes and the length of runs in minutes.

``python -m vit.training.planning CONFIG`` measures a configuration on random images and remembers its speed; it waits
for a run that uses the machine, because either would disturb the other.
"""

import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from filelock import FileLock

from vit import devices, jobs, paths
from vit.config import RunConfig, share_or_count
from vit.data.load import Split
from vit.rules import read
from vit.runs.plan import Plan
from vit.runs.speed import (
    MIN_SECONDS,
    Speed,
    eval_steps,
    remember,
    remembered,
    seconds_to_measure,
    shown,
    steps_in_minutes,
)
from vit.training import distributed
from vit.training.batches import RunData
from vit.training.device import choose_device, compile_ahead, setup
from vit.training.loop import EVAL_BATCH_SIZE, evaluate, train_step, trainable
from vit.training.recorder import Recorder
from vit.training.state import new_state

NUM_TRACKED = 8
WARM_UP_STEPS = 3
NUM_RANDOM_IMAGES = 1024


@dataclass(frozen=True)
class Timing:
    """The speed of a number of processes with a number of threads each."""

    processes: int
    threads: int
    step: float = 0.0  # seconds of an update, with its batch; 0 if nothing was measured
    evaluation: float = 0.0  # seconds of a validation


def make_plan(config: RunConfig, data: RunData, device: torch.device, precision: str, recorder: Recorder) -> Plan:
    """Decide everything that a later attempt must not decide again; measures the machine where that decides something.

    The recorder gets the status while measuring, and the result as an event.
    """
    steps_per_epoch = data.steps_per_epoch(config.train.batch_size)
    timing = choose_timing(config, data, precision, recorder)
    validation = timing.evaluation + distributed.broadcast(shown(remembered(config), "saving"))
    planned = config.train.total_steps(steps_per_epoch)
    total_steps = planned or steps_in_minutes(config.train, timing.step, validation)
    tracked = tracked_images(data)
    images_per_second = config.train.batch_size / timing.step if timing.step else None
    plan = Plan(
        total_steps=total_steps,
        steps_per_epoch=steps_per_epoch,
        warmup_steps=share_or_count(config.train.warmup, total_steps),
        eval_steps=eval_steps(config.train, total_steps, validation),
        num_train=len(data.train.labels),
        num_val=len(data.val.labels),
        num_test=len(data.test.labels) if data.test else 0,
        classes=data.classes,
        mean=tuple(data.mean.tolist()),
        std=tuple(data.std.tolist()),
        data_name=data.name,
        data_fingerprint=data.fingerprint,
        tracked=tracked,
        tracked_labels=tuple(data.val.labels[list(tracked)].tolist()),
        grid_size=config.model.grid_size,
        device=device.type,
        device_name=torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        precision=precision,
        threads=timing.threads,
        torch=torch.__version__,
        images_per_second=images_per_second,
        minutes=config.train.minutes,
        processes=timing.processes,
    )
    if images_per_second:
        processes = f" with {plan.processes} processes" if plan.processes > 1 else ""
        length = f", so {plan.minutes:g} min is {plan.total_steps:,} steps" if plan.minutes else ""
        recorder.event("planned", f"Measured {images_per_second:,.0f} images/s{processes}{length}.")
    return plan


def tracked_images(data: RunData) -> tuple[int, ...]:
    """The first validation image of each of the first classes, filled up with the first others."""
    labels = data.val.labels.tolist()
    firsts = [labels.index(label) for label in sorted(set(labels))]
    others = [place for place in range(len(labels)) if place not in firsts]
    return tuple((firsts + others)[:NUM_TRACKED])


def choose_timing(config: RunConfig, data: RunData, precision: str, recorder: Recorder) -> Timing:
    """The processes and threads to train with; measured if there is a choice, or if minutes have to become steps."""
    may_choose = distributed.world_size() > 1 and not config.train.processes
    if config.train.minutes is None and not may_choose:
        return Timing(distributed.world_size(), torch.get_num_threads())
    recorder.status("measuring")
    timing = fastest(config, data, precision, seconds_to_measure(config.train))
    remember_timing(config, timing, len(data.val.labels))
    return timing


def remember_timing(config: RunConfig, timing: Timing, num_val: int) -> None:
    """Keep what was measured for the next form; rank 0 does."""
    if distributed.rank() == 0:
        training, validation = config.train.batch_size / timing.step, num_val / timing.evaluation
        remember(config, Speed(training=training, validation=validation))


def fastest(config: RunConfig, data: RunData, precision: str, seconds: float = MIN_SECONDS) -> Timing:
    """The speed of all processes, or that of rank 0 alone on all cores if that is faster and may be chosen."""
    together = measure(config, data, precision, seconds)
    if distributed.world_size() == 1 or config.train.processes or data.mean.device.type != "cpu":
        return together
    step, evaluation = together.step, together.evaluation
    with distributed.rank_0_alone() as is_first:
        if is_first:
            torch.set_num_threads(devices.usable_cores())
            alone = measure(config, data, precision, seconds)
            step, evaluation = alone.step, alone.evaluation
            torch.set_num_threads(together.threads)
    alone = Timing(1, devices.usable_cores(), distributed.broadcast(step), distributed.broadcast(evaluation))
    return min(together, alone, key=lambda timing: timing.step)


def measure(config: RunConfig, data: RunData, precision: str, seconds: float) -> Timing:
    """The speed of the processes and threads that are at work now."""
    step = seconds_per_step(config, data, precision, seconds)
    evaluation = seconds_per_evaluation(config, data, precision)
    return Timing(distributed.world_size(), torch.get_num_threads(), step, evaluation)


def seconds_per_step(config: RunConfig, data: RunData, precision: str, seconds: float) -> float:
    """Time of an update with its batch: the median, so that a short burst of other work does not count."""
    state = new_state(config, data.mean.device)
    forward = trainable(state, config.train)
    times, end = [], time.perf_counter() + seconds
    while distributed.broadcast(len(times) < 2 * WARM_UP_STEPS or time.perf_counter() < end):
        start = time.perf_counter()
        train_step(forward, state, data.batch(state.step, config), config.train, config.train.lr, precision)
        if data.mean.is_cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return distributed.broadcast(statistics.median(times[WARM_UP_STEPS:]))


def seconds_per_evaluation(config: RunConfig, data: RunData, precision: str) -> float:
    """Time of a validation, extrapolated from one batch."""
    network = new_state(config, data.mean.device).network
    images, labels = data.val.images[:EVAL_BATCH_SIZE], data.val.labels[:EVAL_BATCH_SIZE]
    evaluate(network, images[:8], labels[:8], data.mean, data.std, precision)
    start = time.perf_counter()
    evaluate(network, images, labels, data.mean, data.std, precision)
    return distributed.broadcast((time.perf_counter() - start) * len(data.val.labels) / len(labels))


def main() -> None:
    """Measure a configuration as a background job, in as many processes as would train it."""
    request = Path(sys.argv[1])
    if distributed.is_worker():
        with distributed.process_group():
            measure_random_images(read(request))
    else:
        jobs.run(request.stem, lambda _: measure_when_free(request))


def measure_when_free(request: Path) -> str:
    config = read(request)
    with FileLock(paths.machine_lock()):
        processes = distributed.max_processes(config.train, choose_device(config.train))
        if processes == 1:
            measure_random_images(config)
        else:
            distributed.launch("vit.training.planning", str(request), processes)
    request.unlink()
    return "measured"


def measure_random_images(config: RunConfig) -> None:
    """Remember how fast real steps of a configuration are on this machine, batches and augmentation included."""
    device, precision = setup(config.train)
    data = random_images(config, device)
    timing = fastest(compile_ahead(config, data, precision, print), data, precision)
    remember_timing(config, timing, len(data.val.labels))


def random_images(config: RunConfig, device: torch.device) -> RunData:
    """Images that cost as much as real ones."""
    model, count = config.model, max(NUM_RANDOM_IMAGES, config.train.batch_size)
    shape = (count, model.in_channels, model.image_size, model.image_size)
    split = Split(
        torch.randint(0, 256, shape, dtype=torch.uint8).to(device),
        torch.randint(0, model.num_classes, (count,)).to(device),
    )
    half = torch.full((model.in_channels,), 0.5, device=device)
    classes = tuple(map(str, range(model.num_classes)))
    return RunData(split, split, None, classes, "random", "random", mean=half, std=half)


if __name__ == "__main__":
    main()
