"""How fast this machine trains a configuration: a few seconds of real steps on throw-away weights."""

import time

import torch

from vit.config import RunConfig
from vit.training.batches import RunData
from vit.training.evaluate import BATCH_SIZE, evaluate
from vit.training.loop import train_step
from vit.training.session import start_session

WARM_UP_STEPS = 3
SECONDS = 4.0


def seconds_per_step(config: RunConfig, data: RunData, precision: str) -> float:
    """Median time of an update, with its batch."""
    session = start_session(config, data.mean.device)
    forward = torch.compile(session.network) if config.train.compile else session.network
    times, end = [], time.perf_counter() + SECONDS
    while len(times) < 2 * WARM_UP_STEPS or time.perf_counter() < end:
        start = time.perf_counter()
        train_step(forward, session, data.batch(session.step, config), config.train, config.train.lr, precision)
        _wait(data.mean.device)
        times.append(time.perf_counter() - start)
    return sorted(times[WARM_UP_STEPS:])[(len(times) - WARM_UP_STEPS) // 2]


def seconds_per_evaluation(config: RunConfig, data: RunData, precision: str) -> float:
    """Time to validate once, extrapolated from one batch."""
    session = start_session(config, data.mean.device)
    images, labels = data.val.images[:BATCH_SIZE], data.val.labels[:BATCH_SIZE]
    evaluate(session.network, images[:8], labels[:8], data.mean, data.std, precision)
    start = time.perf_counter()
    evaluate(session.network, images, labels, data.mean, data.std, precision)
    return (time.perf_counter() - start) * len(data.val.labels) / len(labels)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
