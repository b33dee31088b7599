"""``python -m vit.training RUN_DIR``: the worker of a run, or, under torchrun, one rank of it.

The lock is taken before torch is imported, so that the app sees at once that the worker is alive.
"""

import os
import sys
from contextlib import nullcontext
from pathlib import Path

from filelock import Timeout

from vit import processes
from vit.runs import queue
from vit.runs.directory import Run


def main() -> int:
    run = Run(Path(sys.argv[1]).resolve())
    # The lock belongs to the only process, to the supervisor, or to rank 0 where there is no supervisor.
    is_supervised = "VIT_SUPERVISOR" in os.environ
    is_holder = not is_supervised and os.environ.get("RANK", "0") == "0"
    try:
        lock = processes.hold(run.lock_path) if is_holder else nullcontext()
    except Timeout:
        print(f"another worker is already on {run.id}; nothing to do", flush=True)
        return 0
    if is_holder:
        processes.remember(run.lock_path)
        queue.leave(run.id)
    if is_supervised:
        processes.end_with_parent()
    from vit.training.worker import work, work_as_rank

    with lock:
        return work_as_rank(run) if "RANK" in os.environ else work(run)


if __name__ == "__main__":
    sys.exit(main())
