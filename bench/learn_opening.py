"""How long a person waits for the next chapter of Learn, and for a control of its figure.

    python -m bench.learn_opening --repeats 3

A chapter is opened by a link of the app, from the list of chapters, and is there once its title, its last links and
nothing old are on the screen. The first round warms the server up and is reported by itself. A control's time is that
from the event to the second frame after it, in the browser. Needs Chromium and playwright. The browser is started
before the clock.
"""

import argparse
import re
import tempfile
import time

from playwright.sync_api import Locator, Page

from bench import served
from bench.served import SECOND

CHAPTERS = 10
# Nothing waits for a server's answer, neither the frame nor an element that is still the old one.
SETTLED = "() => !document.querySelector('[data-testid=stStatusWidget], [data-testid=stMain] [data-stale=true]')"
MOVED = """async (node) => {
  const start = performance.now();
  if (node.type === "range") node.value = node.value === node.max ? node.min : node.max;
  if (node.type === "range") node.dispatchEvent(new Event("input", { bubbles: true }));
  else node.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, cancelable: true }));
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  return (performance.now() - start) / 1000;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    waits: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as home, served.chromium() as browser, served.app(home) as address:
        page = browser.new_page()
        page.set_default_timeout(60 * SECOND)
        page.goto(f"{address}/learn")
        for turn in range(args.repeats + 1):
            for name, seconds in reading(page, "later" if turn else "first round").items():
                waits.setdefault(name, []).append(seconds)
    served.report("learn_opening", waits)


def reading(page: Page, when: str) -> dict[str, float]:
    """Seconds for each chapter, and for a control of its figure, if it has one."""
    found = {}
    for number in range(1, CHAPTERS + 1):
        found[f"chapter {number}, {when}"] = opened(page, number)
        control = movable(page)
        if control.count() and when == "later":
            found[f"control of chapter {number}"] = control.first.evaluate(MOVED)
    return found


def opened(page: Page, number: int) -> float:
    """From the click on the list of chapters to the whole chapter."""
    if "chapter=" in page.url:
        page.locator(".st-key-turn").get_by_role("link", name="All chapters").click()
    page.get_by_role("heading", name="Exercises", exact=True).wait_for()
    page.wait_for_function(SETTLED)
    link = page.get_by_test_id("stMain").get_by_role("link", name=re.compile(rf"^{number}\. "))
    title = link.inner_text().partition(". ")[2]
    start = time.perf_counter()
    link.click()
    page.get_by_role("heading", name=title, level=1, exact=True).wait_for()
    page.locator(".st-key-turn").get_by_role("link", name="All chapters").wait_for()
    page.wait_for_function(SETTLED)
    return time.perf_counter() - start


def movable(page: Page) -> Locator:
    """A slider of the chapter's figure, or its image, which arrow keys move over."""
    return page.locator(".figure input[type=range]:enabled, .figure canvas[tabindex]")


if __name__ == "__main__":
    main()
