"""What watching costs: images per second of a running training with a page of it open against none, in turns.

    python -m bench.live_page --turns 4

The browser runs on the same machine and takes its share of the same cores, as it does on a laptop. Needs Chromium and
playwright.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from playwright.sync_api import Page

from bench import machine, served
from vit.runs.directory import Run
from vit.runs.metrics import curve, read_metrics

SECONDS, SETTLE = 20, 4  # of a turn, and before it counts
LONG = ["--steps", "12000", "--set", "train.eval_every=250"]  # a frame for Evolve every 600 steps
PAGES = {"closed": None, "Train": "/train?run=watched", "Evolve": "/attention?model=watched&tab=Evolve"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=4)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, served.chromium() as browser:
        os.environ["VIT_HOME"] = home
        with served.app() as address:
            turns = watch(browser.new_page(), address, args.turns)
    print(machine.table([{"turn": index, **turn} for index, turn in enumerate(turns)]))
    ratios = {name: statistics.median(turn[name] / turn["closed"] for turn in turns) for name in PAGES}
    for name in ("Train", "Evolve"):
        print(f"{name} open / closed: {ratios[name]:.3f}, the median of {len(turns)} turns")
    print(machine.write("live_page", {"turns": turns, "ratios": ratios}))


def watch(page: Page, address: str, turns: int) -> list[dict[str, float]]:
    """Train for long, and look at it from one page after the other."""
    vit = [sys.executable, "-m", "vit"]
    subprocess.run([*vit, "train", "--preset", "1-minute", "--run", "watched", *LONG], check=True)
    run, urls = Run.find("watched"), {name: address + path if path else "about:blank" for name, path in PAGES.items()}
    while len(run.series()) < 2:
        time.sleep(0.5)
    try:
        return [{name: speed(run, page, url) for name, url in urls.items()} for _ in range(turns)]
    finally:
        subprocess.run([*vit, "stop", "watched"], check=True)
        time.sleep(5)  # it saves a last checkpoint into a folder that is about to go


def speed(run: Run, page: Page, address: str) -> float:
    """Median images per second while an address is open."""
    page.goto(address)
    time.sleep(SETTLE)
    before = len(read_metrics(run))
    time.sleep(SECONDS)
    return statistics.median(curve(read_metrics(run)[before:], "images_per_second")[1])


if __name__ == "__main__":
    main()
