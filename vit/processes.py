"""Background processes: the one way to start them, and the lock that proves that one is alive."""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from filelock import FileLock, Timeout

from vit import files, paths

if os.name == "posix":
    import fcntl

# Waiting threads sleep instead of spinning. Where other programs use the cores too (a browser, for example), a spinning
# thread occupies the very core that the thread it waits for needs: measured 4 to 8 times slower on two busy cores.
# glibc keeps the memory that a step frees for the next step, instead of returning it and faulting in every page again:
# thousands of pages per step, depending on where the heap happens to end.
ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),  # bytes; the largest value that glibc accepts
    "MALLOC_TRIM_THRESHOLD_": str(512 * 2**20),
}
LOCK_ID = "VIT_LOCK"
PR_SET_PDEATHSIG = 1
WAIT_SECONDS = 1  # a probe may touch the lock for an instant; a second worker must not outwait the first one


def spawn(module: str, *arguments: str, log: Path, environment: dict[str, str] | None = None) -> subprocess.Popen:
    """Run ``python -m module`` detached from this process: closing the app or the terminal does not end it.

    Its output is appended to ``log``; ``environment`` adds to that of this process.
    """
    files.make_folder(log.parent)
    with open(log, "ab") as file:  # a file, because a pipe would belong to this process
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=paths.PROJECT,
            # VIT_HOME is absolute, because cwd differs.
            env={**os.environ, **ENVIRONMENT, "VIT_HOME": str(paths.home()), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def confined(script: Path, folder: Path) -> subprocess.Popen:
    """Run a script that is spoken to through pipes, in a folder, with nothing of this process's environment.

    The script sets its own limits; -I keeps Python from reading modules of the folder and settings of the user.
    """
    needed = {
        name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ
    }  # Windows starts nothing without
    return subprocess.Popen(
        [sys.executable, "-I", "-B", str(script)],
        cwd=folder,
        env={**ENVIRONMENT, **needed, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def hold(path: Path) -> FileLock:
    """Take a lock that the operating system frees when this process ends, however it ends.

    Raises:
        filelock.Timeout: If another process holds it.
    """
    lock = FileLock(path, timeout=WAIT_SECONDS)
    lock.acquire()
    return lock


def remember(path: Path) -> None:
    """Keep in this process and those that it starts which file is the lock it holds, for ``exit_if_replaced``."""
    os.environ[LOCK_ID] = str(path.stat().st_ino)


def exit_if_replaced(path: Path) -> None:
    """End this process at once if its lock was deleted and another process has taken a new one of that name."""
    if LOCK_ID in os.environ and path.exists() and str(path.stat().st_ino) != os.environ[LOCK_ID]:
        print("another process has taken over", flush=True)
        os._exit(1)


def end_at_once(code: int) -> NoReturn:
    """End this process without an interpreter that cleans up: a thread of torch that still runs then can abort it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def end_with_parent() -> None:
    """Let the system end this process as soon as its parent ends, where it can (Linux, prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock; probing never takes the lock away from a process."""
    if os.name == "posix":
        return _is_flocked(path)
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def _is_flocked(path: Path) -> bool:
    """A shared lock is refused exactly while a process holds the exclusive one; probes do not exclude each other."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # no such file, or none that a process of ours could hold
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def log_tail(path: Path, lines: int, max_bytes: int = 64_000) -> str:
    """The last lines of a log file, however long it is."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - max_bytes))
            content = file.read()
    except OSError:
        return ""
    return "\n".join(content.decode(errors="replace").splitlines()[-lines:])


def log_search(path: Path, words: str, lines: int, max_bytes: int = 8_000_000) -> tuple[int, str]:
    """The lines of a log file with some words in them, in whatever case: how many, and the last ``lines`` of them.

    Of a longer file only the last ``max_bytes`` are looked at.
    """
    log = log_tail(path, max_bytes, max_bytes).splitlines()
    found = [line for line in log if words.casefold() in line.casefold()]
    return len(found), "\n".join(found[-lines:])
