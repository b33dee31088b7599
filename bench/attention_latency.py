"""How long a person waits on the Attention page, with the shipped model and sample images.

    python -m bench.attention_latency --repeats 5

Needs Chromium and playwright. Heads are ranked where test images of CIFAR-10 are at hand.
"""

import argparse
import time

from playwright.sync_api import Page

from bench import served
from bench.served import SECOND
from vit.data import catalog

PATCHES = 64  # of the shipped model
MOST = 7  # sample images besides the one that the page opens with


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with served.chromium() as browser, served.app() as address:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{address}/attention")
        served.report("attention_latency", measure(page, args.repeats))


def measure(page: Page, repeats: int) -> dict[str, list[float]]:
    """One visitor's waits, in seconds."""
    page.locator(".tiles button").first.wait_for(timeout=60 * SECOND)
    page.wait_for_timeout(2 * SECOND)
    waits = {"image to all its attention": [choose(page, 1 + turn) for turn in range(min(repeats, MOST))]}
    waits["redraw of the canvas"] = hover(page)
    asked = [why(page, turn) for turn in range(min(repeats, MOST))]
    waits["all cards with scores"], waits["all cards with controls"] = (
        list(times) for times in zip(*asked, strict=True)
    )
    waits["head switched off to new bars"] = knock_out(page, repeats)
    if any(info.name == "cifar10" for info in catalog.list_datasets()):
        waits["ranking of all heads"] = [rank(page)]
    return waits


def choose(page: Page, index: int) -> float:
    """Click a sample image; wait until the canvas has drawn its attention."""
    before, start = page.locator("canvas.image").get_attribute("aria-label"), time.perf_counter()
    sample(page, index).click()
    while page.locator("canvas.image").get_attribute("aria-label") == before:
        time.sleep(0.002)
    return time.perf_counter() - start


def sample(page: Page, index: int):
    return page.get_by_role("radiogroup", name="Sample images").get_by_role("radio").nth(index)


def hover(page: Page) -> list[float]:
    """Point at every patch; the canvas itself says how long it took to draw everything."""
    image, taken = page.locator("canvas.image"), []
    side = image.bounding_box()["width"] / PATCHES**0.5
    for patch in range(PATCHES):
        row, column = divmod(patch, round(PATCHES**0.5))
        image.hover(position={"x": (column + 0.5) * side, "y": (row + 0.5) * side})
        taken.append(image.evaluate("node => node.milliseconds") / SECOND)
    return taken


def why(page: Page, index: int) -> tuple[float, float]:
    """Ask why for an image that nobody has asked about yet; until all scores are there, and all controls."""
    page.get_by_role("tab", name="Look").click()
    sample(page, index).click()
    page.wait_for_timeout(2 * SECOND)
    start = time.perf_counter()
    page.get_by_role("tab", name="Why").click()
    page.get_by_text("Do the methods agree?").wait_for(timeout=60 * SECOND)
    scored = time.perf_counter() - start
    page.get_by_text("Other class …").first.wait_for(state="detached", timeout=60 * SECOND)
    return scored, time.perf_counter() - start


def knock_out(page: Page, repeats: int) -> list[float]:
    """Switch one head after the other off; wait until the probabilities have changed."""
    page.get_by_role("tab", name="Ablate").click()
    page.get_by_text("Which heads matter?").wait_for(timeout=60 * SECOND)
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
