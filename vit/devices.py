"""What this machine is, without torch: a page shows it at once, rules judge against it."""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from vit.rules import Environment
from vit.text import counted, size


@dataclass(frozen=True)
class Hardware:
    """The device that ``auto`` means here."""

    device: str  # cpu, cuda or mps
    name: str  # as a person knows it: "NVIDIA H200", "CPU"
    cores: int  # CPU cores this process may use
    memory_bytes: int  # memory of the device

    @property
    def label(self) -> str:
        """One line: ``CPU, 2 cores`` or ``NVIDIA H200, 141 GB``."""
        if self.device == "cuda":
            return f"{self.name}, {size(self.memory_bytes)}"
        return f"{self.name}, {counted(self.cores, 'core')}"


@cache
def describe() -> Hardware:
    """Find the fastest device that torch could use."""
    cores = usable_cores()
    gpu = _nvidia()
    if gpu:
        return Hardware("cuda", gpu[0], cores, gpu[1])
    memory = psutil.virtual_memory().total
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return Hardware("mps", "Apple GPU", cores, memory)
    return Hardware("cpu", "CPU", cores, memory)


def count_gpus() -> int:
    """NVIDIA GPUs, each of which trains a run of its own."""
    return len(_nvidia_gpus()) if describe().device == "cuda" else 0


def usable_cores() -> int:
    """Cores this process may run on, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def cpu_precision() -> str:
    """The precision in which this CPU trains fastest: ``bf16`` with AMX (Advanced Matrix Extensions), else ``fp32``.

    With AVX512-BF16 alone, training steps are slower in bfloat16 than in float32.
    """
    try:
        return "bf16" if " amx_bf16" in Path("/proc/cpuinfo").read_text() else "fp32"
    except OSError:  # not Linux
        return "fp32"


def environment(num_train: int | None = None, num_classes: int | None = None) -> Environment:
    """What a configuration has to fit on this machine and on the data given."""
    hardware = describe()
    memory = hardware.memory_bytes if hardware.device == "cuda" else psutil.virtual_memory().available
    devices = ("cpu",) if hardware.device == "cpu" else ("cpu", hardware.device)
    return Environment(num_train, num_classes, memory, devices)


def _nvidia() -> tuple[str, int] | None:
    """Name and memory in bytes of the first NVIDIA GPU."""
    try:
        name, megabytes = _nvidia_gpus()[0].rsplit(",", 1)
        return name.strip(), int(megabytes) * 2**20
    except (ValueError, IndexError):
        return None


@cache
def _nvidia_gpus() -> tuple[str, ...]:
    """``name, megabytes`` of each NVIDIA GPU, as its driver's tool tells."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        return tuple(subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout.splitlines())
    except (OSError, subprocess.SubprocessError):
        return ()
