"""How long a person waits on Evaluate and on Data.

    python -m bench.evaluating --data cifar10-images.tar.xz --home /tmp/home

From the click on the button to the first figures of the shipped best model on the 10,000 test images, and to the last
part; from a click on a cell of the confusion matrix to its images; from a page of the data set's images to the next;
and the memory of the server at the end. ``--home`` keeps the imported data between two calls. Needs Chromium and
playwright. The browser is started before the clock.
"""

import argparse
import os
import shutil
import time
from pathlib import Path

import psutil
from playwright.sync_api import Page

from bench import served
from bench.learn_opening import SETTLED
from bench.served import SECOND

MODEL, DATA = "cifar10-hybrid", "cifar10"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="CIFAR-10, a folder or an archive")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=15)
    args = parser.parse_args()
    os.environ["VIT_HOME"] = str(args.home)
    prepare(args.data, args.home)
    with served.chromium() as browser, served.app(str(args.home)) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 1500})
        page.set_default_timeout(300 * SECOND)
        waits = evaluated(page, address)
        waits["from a cell to its images"] = [opened(page, turn) for turn in range(args.repeats)]
        page.goto(f"{address}/data?set={DATA}")
        page.locator(".sheet img").first.wait_for()
        page.wait_for_function(SETTLED)
        waits["to the next page of images"] = [turned(page) for _ in range(args.repeats)]
        print(f"memory of the server: {memory() / 1e6:,.0f} MB")
    served.report("evaluating", waits)


def prepare(path: Path, home: Path) -> None:
    """Import the data once, and forget earlier evaluations."""
    from vit.data import catalog, importing

    shutil.rmtree(home / ".evaluations", ignore_errors=True)
    if DATA not in {info.name for info in catalog.list_datasets()}:
        importing.import_as(DATA, path)


def evaluated(page: Page, address: str) -> dict[str, list[float]]:
    """Evaluate on test; leaves the confusion matrix open."""
    page.goto(f"{address}/evaluate?model={MODEL}&data={DATA}&split=test")
    page.get_by_role("button", name="Evaluate on test").click()
    start = time.perf_counter()
    page.get_by_role("tab", name="Confusion").wait_for()
    page.wait_for_function(SETTLED)
    figures = time.perf_counter() - start
    page.get_by_role("button", name="Cancel").wait_for(state="detached")
    whole = time.perf_counter() - start
    page.get_by_role("tab", name="Confusion").click()
    page.get_by_text("Choose a cell to see its images").wait_for()
    page.wait_for_function(SETTLED)
    return {"from the click to the first figures": [figures], "from the click to the last part": [whole]}


def opened(page: Page, turn: int) -> float:
    """Click on another cell outside the diagonal, and wait for its sentence, its images, and a page that rests."""
    cell = page.get_by_role("grid", name="Confusion matrix").get_by_role("gridcell").nth(10 * (turn % 9) + turn % 9 + 1)
    box = cell.bounding_box() or {}
    said = page.get_by_text("; the model says").inner_text()
    start = time.perf_counter()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function(
        "(said) => [...document.querySelectorAll('p')].some((p) => p.innerText.includes('; the model says') &&"
        " p.innerText !== said)",
        arg=said,
        polling="raf",
    )
    page.wait_for_function(SETTLED, polling="raf")
    seconds = time.perf_counter() - start
    page.wait_for_timeout(500)
    return seconds


def turned(page: Page) -> float:
    """Turn a page, and wait for its images."""
    images = page.locator(".sheet img")
    before, start = images.first.get_attribute("src"), time.perf_counter()
    page.get_by_role("button", name="Next").last.click()
    while images.first.get_attribute("src") == before:
        time.sleep(0.005)
    seconds = time.perf_counter() - start
    page.wait_for_timeout(500)
    return seconds


def memory() -> int:
    """Resident bytes of the server; chromium, and jobs that have ended, are children, too."""
    children = [child.as_dict(["cmdline", "memory_info"]) for child in psutil.Process().children(recursive=True)]
    return max(child["memory_info"].rss for child in children if "streamlit" in (child["cmdline"] or []))


if __name__ == "__main__":
    main()
