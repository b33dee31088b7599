"""The app as a visitor gets it: a server on a free port, Chromium before it, and a table of what was waited for."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from bench import machine
from vit import paths

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SECOND = 1000  # milliseconds


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser that the system has."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)


@contextmanager
def app(home: str | None = None, port: int | None = None, folder: Path = paths.PROJECT) -> Iterator[str]:
    """A running app, and its address; ``home`` is its VIT_HOME, the caller's own where None, ``port`` a free one.

    It is ``folder/app.py``: this project's, if nothing else is said.
    """
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    environment = {**os.environ, **({"VIT_HOME": home} if home else {})}
    server = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_until_it_answers(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def report(name: str, waits: dict[str, list[float]]) -> None:
    """Print medians and longest waits, in seconds, and keep every one of them."""
    rows = [
        {"wait": wait, "median, s": f"{statistics.median(times):.3f}", "longest, s": f"{max(times):.3f}"}
        for wait, times in waits.items()
    ]
    print(machine.table(rows))
    print(machine.write(name, {"waits": waits}))


def _wait_until_it_answers(url: str) -> None:
    while True:
        try:
            if urllib.request.urlopen(url, timeout=1).read() == b"ok":
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
