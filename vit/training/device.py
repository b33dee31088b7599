"""The device, precision and threads of a process, and torch.compile on it."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch.nn import functional as F

from vit import devices
from vit.config import RunConfig, TrainConfig
from vit.errors import ConfigError, Problem
from vit.runs.plan import Plan
from vit.training import distributed
from vit.training.batches import RunData
from vit.training.state import new_state


def setup(config: TrainConfig, plan: Plan | None = None) -> tuple[torch.device, str]:
    """Set torch up for this process; a plan of an earlier attempt decides threads, hence rounding, and precision.

    Returns:
        The device, and the precision: ``fp32`` or ``bf16``.

    Raises:
        ConfigError: If the device that was asked for is not there.
    """
    device = choose_device(config)
    threads = plan.threads if plan else config.threads
    torch.set_num_threads(threads or max(1, devices.usable_cores() // distributed.world_size()))
    torch.set_flush_denormal(True)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = False
    return device, plan.precision if plan else choose_precision(config.precision, device.type)


def choose_device(config: TrainConfig) -> torch.device:
    """The device that was asked for, or the fastest there is; each worker has a GPU of its own.

    Raises:
        ConfigError: If the device that was asked for is not there.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    found = [name for name, is_there in available.items() if is_there]
    name = found[0] if config.device == "auto" else config.device
    if name not in found:
        message = f"torch finds no such device; it finds {', '.join(found)}"
        raise ConfigError([Problem("train.device", name, message, "auto")])
    return torch.device(name, torch.cuda.current_device()) if name == "cuda" else torch.device(name)


def choose_precision(asked: str, device: str) -> str:
    """``fp32`` or ``bf16``: what was asked for, or bf16 where the hardware is fast at it."""
    if asked != "auto":
        return asked
    if device == "cpu":
        return devices.cpu_precision()
    is_fast = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)  # natively
    return "bf16" if is_fast else "fp32"


def autocast(device: str, precision: str) -> AbstractContextManager:
    """bfloat16 for matrix products where asked for; weights stay float32."""
    return torch.autocast(device, torch.bfloat16) if precision == "bf16" else nullcontext()


def compile_ahead(config: RunConfig, data: RunData, precision: str, tell: Callable[[str, str], None]) -> RunConfig:
    """Compile forward and backward pass before any clock runs; networks of the same shape in this process reuse it.

    Returns:
        The configuration; without ``train.compile`` if torch can't compile here. ``tell`` gets the kind and the text
        of an event that says so.
    """
    if not config.train.compile:
        return config
    from torch._dynamo.exc import TorchDynamoException  # the compiler takes two seconds to import

    start = time.perf_counter()
    try:
        _compile(config, data, precision)
    except TorchDynamoException as error:
        reason = str(error).strip().partition("\n")[0]
        tell("warning", f"Training continues without torch.compile, which fails on this machine: {reason}")
        return config.model_copy(update={"train": config.train.model_copy(update={"compile": False})})
    tell("compiled", f"Compiling took {time.perf_counter() - start:,.0f} s.")
    return config


def _compile(config: RunConfig, data: RunData, precision: str) -> None:
    """One forward and backward pass of this process alone, on weights that are thrown away."""
    network = new_state(config, data.mean.device).network.train()
    images, targets, _ = data.batch(0, config)
    with autocast(images.device.type, precision):
        logits = torch.compile(network)(images)
        loss = F.cross_entropy(logits, targets, label_smoothing=config.train.label_smoothing)
    loss.backward()
