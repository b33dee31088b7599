"""Runs hostile cases one after another in a process with little memory, and says what became of each.

``python limited.py FAMILY EVERY``: one JSON line per case on stdout. The parent is ``run``.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from itertools import islice
from pathlib import Path

MEMORY = 10**9  # bytes beyond what the process has after its imports
PATIENCE = 60  # seconds of wall time for one case, on however busy a machine
ALL = "VIT_FAULTS"  # set it to "all" for every case instead of a sample


@cache
def run(family: str, sample: int) -> list[dict]:
    """Of every ``sample``-th case of a family: ``name``, ``outcome``, ``seconds`` of CPU, peak ``bytes``."""
    every = 1 if os.environ.get(ALL) == "all" else sample
    command = [sys.executable, __file__, family, str(every)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"died at {lines[-1:]}: {done.stderr[-2000:]}"
    return [line for line in lines if "outcome" in line]


def offenders(results: list[dict], seconds: float, num_bytes: float) -> list[dict]:
    """Cases that ended in anything but a named error or a good result, or took too much."""
    return [
        case
        for case in results
        if case["outcome"].startswith("uncaught") or case["seconds"] > seconds or case["bytes"] > num_bytes
    ]


def attempt(name: str, work) -> dict:
    """One case, timed; the peak of memory is what the process took beyond what it had before."""
    from vit.errors import VitError

    signal.alarm(PATIENCE)
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before, start = resident("VmRSS"), time.process_time()
    try:
        outcome = f"accepted: {work()}"
    except VitError as error:
        outcome = f"refused: {error!s:.200}"
    except BaseException as error:
        outcome = f"uncaught {type(error).__name__}: {error!s:.200}"
    signal.alarm(0)
    seconds = time.process_time() - start
    return {"name": name, "outcome": outcome, "seconds": seconds, "bytes": resident("VmHWM") - before}


def resident(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))


def main(family: str, every: int) -> None:
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root), str(root / "tests"), str(Path(__file__).parent)]
    import families

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder, "inner")
        inner.mkdir()
        os.environ["VIT_HOME"] = str(inner / "home")
        cases = getattr(families, family)(inner)
        limit = resident("VmSize") + MEMORY
        for name, prepare in islice(cases, 0, None, every):
            work = prepare()
            print(json.dumps({"name": name}), flush=True)
            resource.setrlimit(resource.RLIMIT_AS, (limit, -1))
            result = attempt(name, work)
            resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
            escaped = {path.name for path in Path(folder).iterdir()} - {"inner"}
            if escaped or (inner / "canary").exists():
                result["outcome"] = f"uncaught escape: {escaped}"
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
