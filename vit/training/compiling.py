"""torch.compile before any clock runs, so that its cost is told apart from what training costs."""

import time
from collections.abc import Callable

import torch
from torch._dynamo.exc import TorchDynamoException
from torch.nn import functional as F

from vit.config import RunConfig
from vit.training.batches import RunData
from vit.training.evaluate import autocast
from vit.training.session import start_session


def compile_ahead(config: RunConfig, data: RunData, precision: str, tell: Callable[[str, str], None]) -> RunConfig:
    """Compile forward and backward pass on throw-away weights; networks of the same shape in this process reuse it.

    Args:
        config: What to train, with ``train.compile``.
        data: With what.
        precision: fp32 or bf16.
        tell: Gets the kind and the text of what happened.

    Returns:
        The configuration; without ``train.compile`` if torch can't compile here, which is told as a warning.
    """
    start = time.perf_counter()
    try:
        compile_once(config, data, precision)
    except TorchDynamoException as error:
        tell("warning", f"Training goes on without torch.compile, which fails here: {first_line(error)}")
        return config.model_copy(update={"train": config.train.model_copy(update={"compile": False})})
    tell("compiled", f"Compiling took {time.perf_counter() - start:,.0f} s.")
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
