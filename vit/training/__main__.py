"""``python -m vit.training RUN_DIR``: the worker process of one run.

The lock is taken before torch is imported, so that the app sees a living worker at once.
"""

import sys
from pathlib import Path

from filelock import Timeout

from vit.runs import lock
from vit.runs.directory import Run


def main() -> int:
    run = Run(Path(sys.argv[1]).resolve())
    try:
        held = lock.hold(run.lock_path)
    except Timeout:
        print(f"another worker is already on {run.id}; nothing to do", flush=True)
        return 0
    from vit.training.worker import work

    with held:
        return work(run)


if __name__ == "__main__":
    sys.exit(main())
