"""torch.compile before any clock runs, so that its cost is told apart from what training costs."""

import time

import torch
from torch._dynamo.exc import TorchDynamoException
from torch.nn import functional as F

from vit.config import RunConfig
from vit.training.batches import RunData
from vit.training.evaluate import autocast
from vit.training.recorder import Recorder
from vit.training.session import start_session


def compile_ahead(config: RunConfig, data: RunData, precision: str, recorder: Recorder) -> RunConfig:
    """Compile forward and backward pass on throw-away weights; networks of the same shape in this process reuse it.

    Returns:
        The configuration; without ``train.compile`` if torch can't compile here, which the run's events then say.
    """
    if not config.train.compile:
        return config
    recorder.status("compiling")
    start = time.perf_counter()
    try:
        compile_once(config, data, precision)
    except TorchDynamoException as error:
        recorder.event("warning", f"Training goes on without torch.compile, which fails here: {first_line(error)}")
        return config.model_copy(update={"train": config.train.model_copy(update={"compile": False})})
    recorder.event("compiled", f"Compiling took {time.perf_counter() - start:,.0f} s.")
    return config


def compile_once(config: RunConfig, data: RunData, precision: str) -> None:
    """One pass, forward and back, of this process alone."""
    network = start_session(config, data.mean.device).network.train()
    images, targets, _ = data.batch(0, config)
    with autocast(images.device.type, precision):
        logits = torch.compile(network)(images)
        loss = F.cross_entropy(logits, targets, label_smoothing=config.train.label_smoothing)
    loss.backward()


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
