"""How long a person waits for Runs with many runs: a first visit after the server's start, and later ones.

    python -m bench.runs_page --runs 300 --repeats 5

The runs are written, not trained: each has a plan, a curve of a hundred validations among two thousand rows, as half an
hour of training leaves them, and every tenth has a parent, a note and tags. Needs Chromium and playwright. The browser
is started before the clock.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page

from bench import served
from bench.served import SECOND
from vit import files, presets
from vit.config import RunConfig
from vit.data.shapes import CLASSES
from vit.rules import validate
from vit.runs.plan import Plan, write_plan
from vit.runs.status import Status, Tested, write_status

ROWS, VALIDATIONS = 2_000, 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    waits: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as home, served.chromium() as browser:
        write(Path(home), args.runs)
        for _ in range(args.repeats):
            for name, seconds in visits(browser.new_context().new_page(), home, args.runs).items():
                waits.setdefault(name, []).append(seconds)
    served.report("runs_page", waits)


def visits(page: Page, home: str, count: int) -> dict[str, float]:
    """Seconds from asking to the table and its caption, with three servers, which a browser takes for the same."""
    found, port = {}, served.free_port()
    with served.app(home, port) as address:
        found["first visit after the server's start, a new browser"] = visit(page, f"{address}/runs", count)
        found["second visit, the page loaded anew"] = visit(page, f"{address}/runs", count)
        found["second visit, from Data to Runs"] = switched(page, count)
        found["two runs selected, curves"] = visit(page, f"{address}/runs?runs=run-1,run-2", count, ".js-plotly-plot")
    with served.app(home, port) as address:
        found["first visit after the server's start, a browser that was here"] = visit(page, f"{address}/runs", count)
    with served.app(home, port) as address:
        page.goto(address)
        page.get_by_test_id("stSidebarNav").get_by_role("link", name="Runs").wait_for(timeout=60 * SECOND)
        found["first visit after the server's start, from Start to Runs"] = linked(page, count)
    return found


def visit(page: Page, address: str, count: int, last: str = "[data-testid=stDataFrame] canvas") -> float:
    start = time.perf_counter()
    page.goto(address)
    page.get_by_text(f"{count} runs", exact=True).wait_for(timeout=60 * SECOND)
    page.locator(last).first.wait_for(timeout=60 * SECOND)
    return time.perf_counter() - start


def switched(page: Page, count: int) -> float:
    """Go to another page, and back."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Data").click()
    page.get_by_role("heading", name="Data", level=1).wait_for(timeout=60 * SECOND)
    return linked(page, count)


def linked(page: Page, count: int) -> float:
    """Follow the link of the sidebar, from another page."""
    start = time.perf_counter()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Runs").click()
    page.get_by_text(f"{count} runs", exact=True).wait_for(timeout=60 * SECOND)
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for(timeout=60 * SECOND)
    return time.perf_counter() - start


def write(home: Path, count: int) -> None:
    """A home with so many finished runs."""
    config = validate(presets.build("1-minute", {"data.source": "shapes"}))
    metrics = "".join(map(row, range(1, ROWS + 1)))
    for number in range(1, count + 1):
        one(home / "checkpoints" / f"run-{number}", number, config, metrics)


def one(folder: Path, number: int, config: RunConfig, metrics: str) -> None:
    from vit.runs.directory import Run

    run = Run(folder)
    run.checkpoints_path.mkdir(parents=True)
    run.lock_path.touch()
    files.write_json(run.config_path, config.to_json())
    files.write_json(run.launch_path, {"launched": 1.7e9 + number, "preset": "1-minute", "data": "shapes"})
    os.utime(run.launch_path, (1.7e9 + number,) * 2)  # a run that was launched just now may still get its worker
    run.metrics_path.write_text(metrics)
    write_plan(run, plan())
    now = {"phase": "finished", "step": ROWS, "epoch": 40.0, "seconds": 600.0, "updated": 1.7e9 + number + 600}
    figures = {"best_val_accuracy": number / 400, "test": Tested(accuracy=number / 410)}
    write_status(run, Status(**now, total_steps=ROWS, total_epochs=40.0, **figures))
    if number % 10 == 0:
        files.write_json(run.fork_path, {"parent": f"run-{number - 1}", "step": 100})
        files.write_json(run.about_path, {"note": "what was tried", "tags": ["paper", f"series {number % 3}"]})


def row(step: int) -> str:
    """A line as a worker writes it; a validation now and then."""
    spent = f'"time": {step * 0.06:.2f}, "images": {64 * step}'
    where = f'{{"v": 1, "step": {step}, "epoch": {step / 250}, "attempt": 1, {spent}'
    if step % (ROWS // VALIDATIONS) == 0:
        return f'{where}, "val_loss": {2 - step / ROWS}, "val_accuracy": {0.1 + 0.6 * step / ROWS}}}\n'
    return f'{where}, "train_loss": {2.2 - step / ROWS}, "lr": 0.001, "images_per_second": 640.0, "grad_norm": 1.5}}\n'


def plan() -> Plan:
    lengths = {"total_steps": ROWS, "steps_per_epoch": 250, "warmup_steps": 100, "eval_steps": ROWS // VALIDATIONS}
    sizes = {"num_train": 10_000, "num_val": 2_000, "num_test": 2_000, "grid_size": 4, "threads": 2}
    data = {"classes": CLASSES, "mean": (0.5,) * 3, "std": (0.2,) * 3, "data_name": "shapes", "data_fingerprint": "x"}
    made = {"device": "cpu", "device_name": "CPU", "precision": "fp32", "torch": "2.13.0"}
    tracked = {"tracked": (), "tracked_labels": (), "images_per_second": None, "minutes": 1.0}
    return Plan(**lengths, **sizes, **data, **made, **tracked)


if __name__ == "__main__":
    main()
