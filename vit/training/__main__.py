"""``python -m vit.training RUN_DIR``: the worker of one run, or, under torchrun, one of the processes that share it.

The lock is taken before torch is imported, so that the app sees a living worker at once.
"""

import os
import sys
from pathlib import Path

from filelock import Timeout

from vit.runs import lock
from vit.runs.directory import Run


def main() -> int:
    run = Run(Path(sys.argv[1]).resolve())
    try:
        held = lock.hold(run.lock_path) if _is_keeper() else None
    except Timeout:
        print(f"another worker is already on {run.id}; nothing to do", flush=True)
        return 0
    from vit.training.worker import work, work_in_team

    try:
        return work_in_team(run) if "RANK" in os.environ else work(run)
    finally:
        if held:
            held.release()


def _is_keeper() -> bool:
    """Whether this process holds the run's lock: the only one, a team's supervisor, or rank 0 without one."""
    return "VIT_SUPERVISOR" not in os.environ and os.environ.get("RANK", "0") == "0"


if __name__ == "__main__":
    sys.exit(main())
