"""How fast this machine trains a configuration: a few seconds of real steps on throw-away weights."""

import time
from dataclasses import dataclass

import torch

from vit import devices
from vit.config import RunConfig, TrainConfig
from vit.training import team
from vit.training.batches import RunData
from vit.training.evaluate import BATCH_SIZE, evaluate
from vit.training.loop import train_step, trainable
from vit.training.session import start_session

WARM_UP_STEPS = 3
GLANCE = 3.0  # seconds
SHARE, MOST = 0.03, 15.0  # of a run given in minutes, because nothing corrects its length later; and seconds


@dataclass(frozen=True)
class Speed:
    """What was measured, and with how many processes and threads each.

    Attributes:
        step: Seconds of an update, with its batch.
        evaluation: Seconds to validate once.
    """

    step: float
    evaluation: float
    processes: int
    threads: int


def thorough(config: TrainConfig) -> float:
    """Seconds to watch a machine, perhaps a shared one that is fast now and slow then, before minutes become steps."""
    return min(max(GLANCE, SHARE * 60 * (config.minutes or 0)), MOST)


def fastest(config: RunConfig, data: RunData, precision: str, seconds: float = GLANCE) -> Speed:
    """The team's speed, or that of rank 0 alone on all cores if it is the faster one and may choose.

    Args:
        config: What to train.
        data: With what.
        precision: fp32 or bf16.
        seconds: To watch either of them.
    """
    together = speed(config, data, precision, seconds)
    if team.size() == 1 or config.train.processes or data.mean.device.type != "cpu":
        return together
    alone = together
    with team.waiting_for_rank_0() as is_first:
        if is_first:
            torch.set_num_threads(devices.usable_cores())
            alone = speed(config, data, precision, seconds)
            torch.set_num_threads(together.threads)
    alone = Speed(team.agree(alone.step), team.agree(alone.evaluation), 1, devices.usable_cores())
    return min(together, alone, key=lambda found: found.step)


def speed(config: RunConfig, data: RunData, precision: str, seconds: float) -> Speed:
    """The speed of the processes and threads that are at work now."""
    step = seconds_per_step(config, data, precision, seconds)
    return Speed(step, seconds_per_evaluation(config, data, precision), team.size(), torch.get_num_threads())


def seconds_per_step(config: RunConfig, data: RunData, precision: str, seconds: float) -> float:
    """Time of an update with its batch, undisturbed: the lower quartile, so that a page being drawn doesn't count."""
    session = start_session(config, data.mean.device)
    forward = trainable(session, config.train)
    times, end = [], time.perf_counter() + seconds
    while team.agree(len(times) < 2 * WARM_UP_STEPS or time.perf_counter() < end):
        start = time.perf_counter()
        train_step(forward, session, data.batch(session.step, config), config.train, config.train.lr, precision)
        _wait(data.mean.device)
        times.append(time.perf_counter() - start)
    return team.agree(lower_quartile(times[WARM_UP_STEPS:]))


def lower_quartile(times: list[float]) -> float:
    return sorted(times)[len(times) // 4]


def seconds_per_evaluation(config: RunConfig, data: RunData, precision: str) -> float:
    """Time to validate once, extrapolated from one batch."""
    session = start_session(config, data.mean.device)
    images, labels = data.val.images[:BATCH_SIZE], data.val.labels[:BATCH_SIZE]
    evaluate(session.network, images[:8], labels[:8], data.mean, data.std, precision)
    start = time.perf_counter()
    evaluate(session.network, images, labels, data.mean, data.std, precision)
    return team.agree((time.perf_counter() - start) * len(data.val.labels) / len(labels) / team.size())


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
