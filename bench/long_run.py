"""What an update of the live page costs when a run is long: server and browser, for 1,000 to 100,000 rows.

    python -m bench.long_run --seconds 60

A written run grows by a row per second, as a worker lets it, while Chromium shows it with a chart zoomed in. Needs
Chromium and playwright.
"""

import argparse
import json
import os
import random
import tempfile
import threading
import time
from contextlib import contextmanager

import psutil
from filelock import FileLock
from playwright.sync_api import Browser, Page

from bench import machine, served
from vit import presets
from vit.data.shapes import CLASSES
from vit.rules import validate
from vit.runs import launch
from vit.runs.directory import Run
from vit.runs.plan import Plan, write_plan
from vit.runs.status import Status, write_status

LENGTHS = (1_000, 10_000, 100_000)  # rows
STEPS_PER_ROW, VALIDATIONS = 10, 20
SETTLE = 8  # seconds after opening, before it counts
CHART = ".vit-chart"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, served.chromium() as browser:
        os.environ["VIT_HOME"] = home
        with served.app() as address:
            server = next(child for child in psutil.Process().children() if "streamlit" in child.cmdline())
            rows = [measure(browser, address, server, length, args.seconds) for length in LENGTHS]
    print(machine.table(rows))
    print(machine.write("long_run", rows))


def measure(browser: Browser, address: str, server: psutil.Process, length: int, seconds: int) -> dict:
    """Open the page of a run of so many rows, zoom in, and watch it for a while."""
    page = browser.new_page()
    with growing(written(length), length) as run:
        start = time.perf_counter()
        page.goto(f"{address}/train?run={run.id}")
        page.locator(f"{CHART} .main-svg").first.wait_for()
        opened = time.perf_counter() - start
        time.sleep(SETTLE)
        before = zoom(page)
        spent, drawn = sum(server.cpu_times()[:2]), updates(page)
        browser.start_tracing(page=page, categories=["disabled-by-default-devtools.timeline"])
        time.sleep(seconds)
        tasks = main_thread_tasks(browser.stop_tracing())
        spent, drawn = sum(server.cpu_times()[:2]) - spent, updates(page) - drawn
        zoomed = before == visible_range(page)
    page.close()
    return {
        "rows": f"{length:,}",
        "first look, s": f"{opened:.1f}",
        "updates": drawn,
        "server, ms per update": f"{1000 * spent / drawn:.0f}",
        "server, % of a core": f"{100 * spent / seconds:.2f}",
        "browser, ms per update": f"{sum(tasks) / drawn:.0f}",
        "longest task, ms": f"{max(tasks):.0f}",
        "blocking, ms per update": f"{sum(max(0, task - 50) for task in tasks) / drawn:.1f}",
        "zoom kept": "yes" if zoomed else "no",
    }


def main_thread_tasks(trace: bytes) -> list[float]:
    """Milliseconds of processor time of each task on the page's main thread.

    Not those on the clock: on a machine that others use, too, a task also waits for its turn.
    """
    events = json.loads(trace)["traceEvents"]
    named = [event for event in events if event["name"] == "thread_name"]
    renderers = {(event["pid"], event["tid"]) for event in named if event["args"]["name"] == "CrRendererMain"}
    tasks = [event for event in events if event["name"] == "RunTask" and event.get("tdur")]
    found: dict[tuple, list[float]] = {}
    for task in tasks:
        found.setdefault((task["pid"], task["tid"]), []).append(task["tdur"] / 1000)
    return max((found[thread] for thread in renderers & found.keys()), key=sum)


def written(length: int) -> Run:
    """A run in the middle of its training with so many rows."""
    config = validate(presets.build("1-minute", {"data.source": "shapes"}))
    run = launch.create(config, f"long-{length}")
    total = 2 * STEPS_PER_ROW * length
    write_plan(run, plan(total))
    status = Status(phase="training", step=total // 2, seconds=float(length), total_steps=total, updated=time.time())
    write_status(run, status)
    with open(run.metrics_path, "w") as out:
        for place in range(1, length + 1):
            out.writelines(json.dumps(row) + "\n" for row in rows_at(place, length))
    return run


def rows_at(place: int, length: int) -> list[dict]:
    """What a worker writes: figures of the training, and now and then of a validation."""
    step = STEPS_PER_ROW * place
    where = {"v": 1, "step": step, "epoch": step / 250, "attempt": 1, "time": float(place), "images": 64 * step}
    noise, share = random.gauss(0, 0.1), place / length
    training = {"train_loss": 2.3 - share + noise, "train_accuracy": 0.1 + share / 2, "grad_norm": 1.5 + noise}
    training |= {"lr": 0.01 * (1 - share / 2), "images_per_second": 640 + 100 * noise}
    training |= {"cpu_percent": 195 + 10 * noise, "memory_bytes": 6e8}
    found = [where | training]
    if place % max(1, length // VALIDATIONS) == 0:
        found.append(where | {"val_loss": 2.2 - share, "val_accuracy": 0.1 + share / 2, "val_seconds": 2.0})
    return found


@contextmanager
def growing(run: Run, length: int):
    """Holds the run's lock as its worker would, and adds a row per second."""
    ended = threading.Event()

    def grow() -> None:
        place = length
        while not ended.wait(1.0):
            place += 1
            with open(run.metrics_path, "a") as out:
                out.writelines(json.dumps(row) + "\n" for row in rows_at(place, length))

    thread = threading.Thread(target=grow)
    with FileLock(run.lock_path):
        thread.start()
        try:
            yield run
        finally:
            ended.set()
            thread.join()


def plan(total_steps: int) -> Plan:
    return Plan(
        total_steps=total_steps,
        steps_per_epoch=250,
        warmup_steps=100,
        eval_steps=total_steps // VALIDATIONS,
        num_train=16_000,
        num_val=2_000,
        num_test=2_000,
        classes=CLASSES,
        mean=(0.5,) * 3,
        std=(0.2,) * 3,
        data_name="shapes",
        data_fingerprint="fingerprint",
        tracked=(),
        tracked_labels=(),
        grid_size=4,
        device="cpu",
        device_name="CPU",
        precision="fp32",
        threads=2,
        torch="2.13.0",
        images_per_second=None,
        minutes=None,
    )


def zoom(page: Page) -> list[float]:
    """Drag over the middle of the first chart; returns what is visible then."""
    box = page.locator(CHART).first.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.4 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], y, steps=8)
    page.mouse.up()
    time.sleep(2)
    return visible_range(page)


def visible_range(page: Page) -> list[float]:
    return page.locator(CHART).first.evaluate("node => [...node._fullLayout.xaxis.range]")


def updates(page: Page) -> int:
    return page.locator(CHART).first.evaluate("node => node.vitDraws")


if __name__ == "__main__":
    main()
