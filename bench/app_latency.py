"""How long a person waits: from the server's start to the first page and the first answer, and from page to page.

    python -m bench.app_latency --repeats 5

Needs Chromium and playwright. The browser is started before the clock.
"""

import argparse
import io
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

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from bench import machine
from vit import paths

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SECOND = 1000  # milliseconds
UPLOADS = 20


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
            times |= uploads(page, f"http://127.0.0.1:{port}/predict?from=Upload")
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


def uploads(page: Page, address: str) -> dict[str, float]:
    """Upload one picture after another; from handing it over to its answer with attention on screen."""
    times = []
    page.goto(address)
    chooser = page.locator("input[type=file]")
    for number in range(UPLOADS + 1):
        chooser.wait_for(state="attached")
        name = f"picture-{number}.png"
        start = time.perf_counter()
        chooser.set_input_files([{"name": name, "mimeType": "image/png", "buffer": picture(number)}])
        page.get_by_test_id("stCaptionContainer").filter(has_text=name).first.wait_for(timeout=60 * SECOND)
        page.get_by_role("img", name="Attention is strongest").first.wait_for(timeout=60 * SECOND)
        times.append(time.perf_counter() - start)
        page.get_by_role("button", name=f"Remove {name}").click()
        page.get_by_text("What it says").wait_for(state="detached")
    times = sorted(times[1:])  # the first one loads torch and the model
    return {"upload to answer, median": times[len(times) // 2], "upload to answer, p95": times[int(0.95 * len(times))]}


def picture(seed: int) -> bytes:
    """A photograph's size, and no two alike."""
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((640, 480)).save(buffer, "PNG")
    return buffer.getvalue()


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
