"""``python -m vit.training RUN_DIR``: the worker of a run, or, under torchrun, one rank of it.

The lock is taken before torch is imported, so that the app sees at once that the worker is alive.
"""

import os
import sys
from pathlib import Path

from filelock import Timeout

from vit import processes
from vit.runs.directory import Run


def main() -> int:
    run = Run(Path(sys.argv[1]).resolve())
    try:
        held = processes.hold(run.lock_path) if _holds_lock() else None
    except Timeout:
        print(f"another worker is already on {run.id}; nothing to do", flush=True)
        return 0
    from vit.training.worker import work, work_as_rank

    try:
        return work_as_rank(run) if "RANK" in os.environ else work(run)
    finally:
        if held:
            held.release()


def _holds_lock() -> bool:
    """Whether this process holds the run's lock: the only one, the supervisor, or rank 0 without a supervisor."""
    return "VIT_SUPERVISOR" not in os.environ and os.environ.get("RANK", "0") == "0"


if __name__ == "__main__":
    sys.exit(main())
