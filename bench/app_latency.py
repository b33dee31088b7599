"""How long a person waits: from the server's start to the first page and the first answer, and from page to page.

    python -m bench.app_latency --repeats 5

Needs Chromium and playwright. The browser is started before the clock. In turn with it what no app in Streamlit, and no
answer of torch, can be faster than: an app of five lines that shows what is uploaded, and a process that imports torch.
"""

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from bench import served
from bench.served import SECOND
from vit import paths

UPLOADS = 20
FLOOR = """import streamlit as st

st.title("Five lines")
for upload in st.file_uploader("Images", accept_multiple_files=True):
    st.caption(upload.name)
    st.image(upload, alt=f"{upload.name}: rollout")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with served.chromium() as browser:
        visits = [visit(browser.new_page()) | floors(browser.new_page()) for _ in range(args.repeats)]
    served.report("app_latency", {name: [times[name] for times in visits] for name in visits[0]})


def visit(page: Page) -> dict[str, float]:
    """One fresh server, one visitor: seconds by what is waited for."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as home, served.app(home) as address:
        page.goto(address)
        page.get_by_role("heading", level=1).wait_for(timeout=60 * SECOND)
        times = {"server's start to Start page": time.perf_counter() - started}
        page.get_by_text("%", exact=False).first.wait_for(timeout=60 * SECOND)
        times["server's start to first answer"] = time.perf_counter() - started
        times["Start to Train"] = switch(page, "Train")
        times["Train to Predict"] = switch(page, "Predict")
        return times | uploads(page, f"{address}/predict?from=Upload", Path(home))


def floors(page: Page) -> dict[str, float]:
    """Seconds of an app of five lines with this project's settings, and of importing torch."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(paths.PROJECT / ".streamlit", folder / ".streamlit")
        (folder / "app.py").write_text(FLOOR)
        started = time.perf_counter()
        with served.app(folder=folder) as address:
            page.goto(address)
            page.get_by_role("heading", level=1).wait_for(timeout=60 * SECOND)
            times = {"an app of five lines": time.perf_counter() - started, **uploads(page, address, folder)}
    ended = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    times["import torch"] = time.perf_counter() - ended
    return {f"floor: {what}": seconds for what, seconds in times.items()}


def switch(page: Page, name: str) -> float:
    """Follow a link of the sidebar until the page's title stands there."""
    start = time.perf_counter()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name, level=1).wait_for(timeout=60 * SECOND)
    return time.perf_counter() - start


def uploads(page: Page, address: str, folder: Path) -> dict[str, float]:
    """Upload one file after another; from choosing it to its answer with attention (or to the image) on screen."""
    times = []
    page.goto(address)
    chooser = page.locator("input[type=file]")
    for number in range(UPLOADS + 1):
        chooser.wait_for(state="attached")
        name = f"image-{number}.png"
        (folder / name).write_bytes(image(number))
        start = time.perf_counter()
        chooser.set_input_files(folder / name)
        caption = page.get_by_test_id("stCaptionContainer").filter(has_text=name).first
        caption.wait_for(timeout=60 * SECOND)
        page.get_by_role("img", name=f"{name}: rollout").wait_for(timeout=60 * SECOND)
        times.append(time.perf_counter() - start)
        page.get_by_role("button", name=f"Remove {name}").click()
        caption.wait_for(state="detached")
    times = sorted(times[1:])  # the first one loads torch and the model
    return {"upload to answer, median": times[len(times) // 2], "upload to answer, p95": times[int(0.95 * len(times))]}


def image(seed: int) -> bytes:
    """A photograph's size, and no two alike."""
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((640, 480)).save(buffer, "PNG")
    return buffer.getvalue()


if __name__ == "__main__":
    main()
