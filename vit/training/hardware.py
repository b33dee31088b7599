"""Choosing device, precision and threads, and setting torch up for them."""

import torch

from vit import devices
from vit.config import TrainConfig
from vit.errors import ConfigError, Problem
from vit.training import team


def choose_device(config: TrainConfig) -> torch.device:
    """The device asked for, or the fastest there is.

    Raises:
        ConfigError: If the device asked for isn't there.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if config.device == "auto":
        return _here(next(name for name in ("cuda", "mps", "cpu") if available[name]))
    if not available[config.device]:
        have = ", ".join(name for name, there in available.items() if there)
        raise ConfigError(
            [Problem("train.device", config.device, f"torch finds no such device; it finds {have}", "auto")]
        )
    return _here(config.device)


def _here(name: str) -> torch.device:
    """The device of this process; each of a team has a GPU of its own."""
    return torch.device(name, torch.cuda.current_device()) if name == "cuda" else torch.device(name)


def choose_precision(config: TrainConfig, device: torch.device) -> str:
    """``bf16`` where asked for, or, on auto, where the GPU computes it natively."""
    if config.precision != "auto":
        return config.precision
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"


def set_up(threads: int) -> int:
    """Fix the thread count, which decides how sums round, and make tiny numbers zero; returns the count.

    Args:
        threads: Of this process; 0 shares out the cores among the processes of the team.
    """
    threads = threads or max(1, devices.usable_cores() // team.size())
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = False
    return threads
