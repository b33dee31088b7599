"""``python -m vit.training RUN_DIR``: the worker of a run, or, under torchrun, one rank of it.

The lock is taken before torch is imported, so that the app sees at once that the worker is alive.
"""

import os
import sys
from contextlib import nullcontext
from pathlib import Path

from filelock import BaseFileLock, Timeout

from vit import processes
from vit.runs import queue
from vit.runs.directory import Run
from vit.runs.locks import control


def main() -> int:
    run = Run(Path(sys.argv[1]).resolve())
    # The lock belongs to the only process, to the supervisor, or to rank 0 where there is no supervisor.
    is_supervised = "VIT_SUPERVISOR" in os.environ
    is_holder = not is_supervised and os.environ.get("RANK", "0") == "0"
    try:
        lock = _hold(run) if is_holder else nullcontext()
    except Timeout:
        print(f"another worker is already on {run.id}; nothing to do", flush=True)
        return 0
    if lock is None:
        print(f"run {run.id} is gone; nothing to do", flush=True)
        return 0
    if is_supervised:
        processes.end_with_parent()
    from vit.training.worker import work, work_as_rank

    with lock:
        return work_as_rank(run) if "RANK" in os.environ else work(run)


def _hold(run: Run) -> BaseFileLock | None:
    """Take the run out of the queue and its lock; None if it was deleted or renamed before its turn came.

    Raises:
        filelock.Timeout: If it has a worker.
    """
    with control():
        if not run.config_path.is_file():
            return None
        lock = processes.hold(run.lock_path)
        processes.remember(run.lock_path)
        queue.leave(run.id)
    return lock


if __name__ == "__main__":
    code = main()
    if "RANK" in os.environ:  # torchrun would start all again if one were aborted
        processes.end_at_once(code)
    sys.exit(code)
