"""The process that starts waiting runs: one at a time on a CPU, one on each GPU. It ends when nothing waits.

``python -m vit.runs.starter`` never imports torch. A start that fails half-way is tried again, because the run still
waits; one that fails for good makes way for the next run.
"""

import subprocess
import sys
import time

from filelock import Timeout

from vit import devices, paths, processes
from vit.errors import ConfigError, RunError
from vit.rules import read
from vit.runs import queue
from vit.runs.directory import Run
from vit.runs.launched import read_launch, write_launch
from vit.runs.locks import control
from vit.runs.status import all_runs

POLL_SECONDS = 0.3


class Starter:
    """Starts the first waiting run whenever there is room for it."""

    def __init__(self):
        self.running: list[Run] = []
        self.process: subprocess.Popen | None = None  # of the worker that was started last
        self.started = ""  # its run

    def look(self) -> None:
        """Start a worker if there is room; a run whose worker could not even take its lock makes way for the next."""
        ids = queue.waiting()
        if self.process and self.started in ids:
            if self.process.poll() is not None:
                queue.leave(self.started)
            return
        run = Run(paths.runs_root() / ids[0])
        if not run.config_path.is_file():
            queue.leave(run.id)
        elif not processes.is_held(run.lock_path) and (environment := self._room(run)) is not None:
            self._start(run, environment)

    def _start(self, run: Run, environment: dict[str, str]) -> None:
        try:
            write_launch(run, gpus=environment.get("CUDA_VISIBLE_DEVICES", ""))
            self.started, self.process = run.id, start_worker(run, environment)
        except OSError as error:
            print(f"{run.id} could not be started: {error}", flush=True)
            queue.leave(run.id)

    def _room(self, run: Run) -> dict[str, str] | None:
        """The environment of a worker that may start now; None while others use what it needs."""
        total = devices.count_gpus()
        self.running = [other for other in self.running if processes.is_held(other.lock_path)]
        if len(self.running) >= max(1, total):
            return None
        self.running = [other for other in all_runs() if processes.is_held(other.lock_path)]
        if not total:
            return None if self.running else {}
        taken = {gpu for other in self.running for gpu in read_launch(other).gpus.split(",")}
        chosen = assign_gpus(total, taken, num_gpus(run))
        return None if chosen is None else {"CUDA_VISIBLE_DEVICES": ",".join(chosen)}


def num_gpus(run: Run) -> int:
    """How many GPUs a run takes: one for each of the processes it asks for, else one."""
    try:
        return max(1, read(run.config_path).train.processes)
    except (ConfigError, RunError):  # its worker will say so
        return 1


def assign_gpus(total: int, taken: set[str], needed: int) -> list[str] | None:
    """The first GPUs that are free, by number; None if there are too few. More than there are means all."""
    free = [str(gpu) for gpu in range(total) if str(gpu) not in taken]
    needed = min(needed, total)
    return free[:needed] if len(free) >= needed else None


def start_worker(run: Run, environment: dict[str, str]) -> subprocess.Popen:
    return processes.spawn("vit.training", str(run.path), log=run.log_path, environment=environment)


def main() -> int:
    """Start waiting runs until none waits. The lock is given back before anybody can add one unseen."""
    try:
        lock = processes.hold(queue.starter_lock())
    except Timeout:
        return 0
    starter = Starter()
    while True:
        with control():
            if not queue.waiting():
                lock.release()
                return 0
            starter.look()
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
