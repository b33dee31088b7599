"""How long a person waits: from the server's start to the first page and the first answer, and from page to page.

    python -m bench.app_latency --repeats 5

Needs Chromium and playwright. The browser is started before the clock.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from playwright.sync_api import Page, sync_playwright

from bench import machine
from vit import paths

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SECOND = 1000  # milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        visits = [visit(browser.new_page()) for _ in range(args.repeats)]
    rows = [
        {"wait": name, "median, s": f"{statistics.median(times):.2f}", "longest, s": f"{max(times):.2f}"}
        for name in visits[0]
        for times in [[visit[name] for visit in visits]]
    ]
    print(machine.table(rows))
    print(machine.write("app_latency", {"repeats": args.repeats, "visits": visits}))


def visit(page: Page) -> dict[str, float]:
    """One fresh server, one visitor: seconds by what is waited for."""
    with tempfile.TemporaryDirectory() as home:
        started, port = time.perf_counter(), free_port()
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        server = subprocess.Popen(
            command, cwd=paths.PROJECT, env={**os.environ, "VIT_HOME": home}, stdout=subprocess.DEVNULL
        )
        try:
            wait_until_it_answers(f"http://127.0.0.1:{port}/_stcore/health")
            page.goto(f"http://127.0.0.1:{port}/")
            page.get_by_role("heading", level=1).wait_for(timeout=60 * SECOND)
            times = {"server's start to Start page": time.perf_counter() - started}
            page.get_by_text("%", exact=False).first.wait_for(timeout=60 * SECOND)
            times["server's start to first answer"] = time.perf_counter() - started
            times["Start to Train"] = switch(page, "Train")
            times["Train to Predict"] = switch(page, "Predict")
        finally:
            server.kill()
            server.wait()
    return times


def switch(page: Page, name: str) -> float:
    """Follow a link of the sidebar until the page's title stands there."""
    start = time.perf_counter()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name, level=1).wait_for(timeout=60 * SECOND)
    return time.perf_counter() - start


def wait_until_it_answers(url: str) -> None:
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


if __name__ == "__main__":
    main()
