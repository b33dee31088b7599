"""How much of the machine a run takes: processor, memory and GPU, all of its processes on this machine together."""

import os
import time
from collections.abc import Callable

import psutil
import torch
from pynvml import NVMLError

from vit.training import distributed

LOOK_SECONDS = 30.0  # between two looks for processes, which takes milliseconds; reading known ones takes far less


class Usage:
    """Reads what the processes of a run take."""

    def __init__(self):
        self._processes: list[psutil.Process] = []
        self._next_look = 0.0
        self._spent, self._since = self._processor_seconds(), time.perf_counter()

    def read(self) -> dict[str, float]:
        """``cpu_percent`` since the last reading (100 is one core) and ``memory_bytes`` (resident) now.

        On an NVIDIA GPU also ``gpu_memory_bytes``, and ``gpu_percent`` where its driver tells.
        """
        spent, now = self._processor_seconds(), time.perf_counter()
        seconds = sum(max(0.0, spent[pid] - self._spent.get(pid, spent[pid])) for pid in spent)
        elapsed = max(now - self._since, 1e-3)
        self._spent, self._since = spent, now
        memory = sum(self._each(lambda process: process.memory_info().rss).values())
        return {"cpu_percent": round(100 * seconds / elapsed, 1), "memory_bytes": memory, **self._gpu()}

    def _processor_seconds(self) -> dict[int, float]:
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_SECONDS
            self._processes = _family()
        return self._each(lambda process: sum(process.cpu_times()[:2]))  # in user and kernel mode

    def _each(self, read: Callable[[psutil.Process], float]) -> dict[int, float]:
        """What is read of each process that still lives."""
        found = {}
        for process in self._processes:
            try:
                found[process.pid] = read(process)
            except psutil.Error:
                self._next_look = 0.0
        return found

    def _gpu(self) -> dict[str, float]:
        if not torch.cuda.is_initialized():  # it computes elsewhere
            return {}
        memory: dict[str, float] = {"gpu_memory_bytes": torch.cuda.memory_reserved()}
        try:
            return memory | {"gpu_percent": torch.cuda.utilization()}
        except (NVMLError, ModuleNotFoundError, RuntimeError):  # a share of a GPU, or another maker's
            return memory


def _family() -> list[psutil.Process]:
    """This process and those that it started; of several ranks all, with the process that started them."""
    try:
        root = psutil.Process(os.getppid() if distributed.is_worker() else os.getpid())
        return [root, *root.children(recursive=True)]
    except psutil.Error:  # it has just ended, as this process will
        return []
