"""How long a person waits on the Attention page, with the shipped model and sample pictures.

    python -m bench.attention_latency --repeats 5

Needs Chromium and playwright. Heads are ranked where test pictures of CIFAR-10 are at hand.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time

from playwright.sync_api import Page, sync_playwright

from bench import machine
from bench.app_latency import FLAGS, SECOND, free_port, wait_until_it_answers
from vit import paths
from vit.data import catalog

PATCHES = 64  # of the shipped model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        waits = measure(browser.new_page(viewport={"width": 1280, "height": 1000}), args.repeats)
    rows = [
        {"wait": name, "median, s": f"{statistics.median(times):.3f}", "longest, s": f"{max(times):.3f}"}
        for name, times in waits.items()
    ]
    print(machine.table(rows))
    print(machine.write("attention_latency", {"repeats": args.repeats, "waits": waits}))


def measure(page: Page, repeats: int) -> dict[str, list[float]]:
    """One server, one visitor: seconds by what is waited for."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=paths.PROJECT, env=os.environ, stdout=subprocess.DEVNULL)
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}/_stcore/health")
        page.goto(f"http://127.0.0.1:{port}/attention")
        page.locator(".tiles button").first.wait_for(timeout=60 * SECOND)
        page.wait_for_timeout(2 * SECOND)
        waits = {"picture to all its attention": [choose(page, 1 + turn) for turn in range(min(repeats, 7))]}
        waits["redraw of the canvas"] = hover(page)
        waits["all cards with scores"] = [why(page, turn) for turn in range(min(repeats, 7))]
        waits["head switched off to new bars"] = knock_out(page, repeats)
        if any(info.name == "cifar10" for info in catalog.listing()):
            waits["ranking of all heads"] = [rank(page)]
        return waits
    finally:
        server.kill()
        server.wait()


def choose(page: Page, index: int) -> float:
    """Click a sample picture; wait until the canvas has drawn its attention."""
    before, start = page.locator("canvas.picture").get_attribute("aria-label"), time.perf_counter()
    sample(page, index).click()
    while page.locator("canvas.picture").get_attribute("aria-label") == before:
        time.sleep(0.002)
    return time.perf_counter() - start


def sample(page: Page, index: int):
    return page.get_by_role("radiogroup", name="Sample pictures").get_by_role("radio").nth(index)


def hover(page: Page) -> list[float]:
    """Point at every patch; the canvas itself says how long it took to draw everything."""
    picture, taken = page.locator("canvas.picture"), []
    side = picture.bounding_box()["width"] / PATCHES**0.5
    for patch in range(PATCHES):
        row, column = divmod(patch, round(PATCHES**0.5))
        picture.hover(position={"x": (column + 0.5) * side, "y": (row + 0.5) * side})
        taken.append(picture.evaluate("node => node.milliseconds") / SECOND)
    return taken


def why(page: Page, index: int) -> float:
    """Ask why for a picture that nobody has asked about yet."""
    page.get_by_role("tab", name="Look").click()
    sample(page, index).click()
    page.wait_for_timeout(2 * SECOND)
    start = time.perf_counter()
    page.get_by_role("tab", name="Why").click()
    page.get_by_text("Do the methods agree?").wait_for(timeout=60 * SECOND)
    return time.perf_counter() - start


def knock_out(page: Page, repeats: int) -> list[float]:
    """Switch one head after the other off; wait until the probabilities have changed."""
    page.get_by_role("tab", name="Break").click()
    page.get_by_text("Which heads count?").wait_for(timeout=60 * SECOND)
    page.wait_for_timeout(2 * SECOND)
    bars, taken = page.locator(".bars"), []
    for index in range(repeats):
        before, start = bars.inner_text(), time.perf_counter()
        page.locator(".heads button[data-list=heads]").nth(index).click()
        while bars.inner_text() == before:
            time.sleep(0.002)
        taken.append(time.perf_counter() - start)
    return taken


def rank(page: Page) -> float:
    start = time.perf_counter()
    page.get_by_role("button", name="Rank the heads").click()
    page.get_by_text("The whole model reaches").wait_for(timeout=240 * SECOND)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
