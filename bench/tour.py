"""Record docs/tour.webp, the moving image of the README: a training run, then the attention of the shipped model.

    python -m bench.tour --data cifar10-images.tar.xz

Drives the real app in Chromium and needs playwright. Without --data, the run trains on the built-in shapes.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from bench import served
from vit import paths

WIDTH, HEIGHT, SHOWN_WIDTH = 1280, 920, 880  # pixels; frames are scaled down
RUN_FRAMES, RUN_PAUSE = 40, 2500  # of the training; milliseconds from one to the next
SCROLLED = 310  # pixels, so that the maps of all layers and heads are in sight
PATCHES = [(4, 4), (5, 3), (6, 2), (3, 3), (2, 5), (0, 1)]  # column and row of eight, on the sample
MOST_BYTES = 1_500_000
Frames = list[tuple[Image.Image, int]]  # with the milliseconds that each is shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="a folder or archive to import as cifar10")
    parser.add_argument("--out", type=Path, default=paths.PROJECT / "docs/tour.webp")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, served.chromium() as browser:
        os.environ["VIT_HOME"] = home
        if args.data:
            subprocess.run([sys.executable, "-m", "vit", "data", "import", args.data, "--name", "cifar10"], check=True)
        with served.app() as address:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.set_default_timeout(180_000)
            frames = start(page, address) + training(page) + attention(page, address)
    print(f"{args.out}: {len(frames)} frames, {save(frames, args.out) / 1e6:.2f} MB")


def start(page: Page, address: str) -> Frames:
    """The Start page with the answer of the shipped model, and the click that trains."""
    page.goto(address)
    page.get_by_role("radiogroup", name="Sample").get_by_role("radio").first.wait_for()
    page.wait_for_timeout(8000)
    frames = [shot(page, 1800)]
    page.get_by_role("button", name="Train a ViT on").hover()
    frames.append(shot(page, 900))
    page.get_by_role("button", name="Train a ViT on").click()
    page.wait_for_url("**run=**")
    return frames


def training(page: Page) -> Frames:
    """The run from its first step to its end."""
    page.locator(".vit-chart .main-svg").first.wait_for()
    frames = []
    while len(frames) < RUN_FRAMES and not page.get_by_text("Test accuracy").first.is_visible():
        frames.append(shot(page, 180))
        page.wait_for_timeout(RUN_PAUSE)
    page.get_by_text("Test accuracy").first.wait_for()
    page.wait_for_timeout(2000)
    return [*frames, shot(page, 2500)]


def attention(page: Page, address: str) -> Frames:
    """One patch of a sample after the other, with what it attends to in every layer and head."""
    page.goto(f"{address}/attention?model=cifar10-hybrid&image=sample:deer")
    image = page.locator("canvas").first
    image.wait_for()
    page.wait_for_timeout(4000)
    frames = [shot(page, 1500)]
    page.get_by_role("tab", name="Look").hover()
    page.mouse.wheel(0, SCROLLED)
    page.wait_for_timeout(500)
    box = image.bounding_box()
    assert box
    for column, row in PATCHES:
        page.mouse.move(box["x"] + box["width"] * (column + 0.5) / 8, box["y"] + box["height"] * (row + 0.5) / 8)
        page.mouse.down()
        page.mouse.up()
        page.wait_for_timeout(700)
        frames.append(shot(page, 900))
    return frames


def shot(page: Page, milliseconds: int) -> tuple[Image.Image, int]:
    """The page as it is, scaled down."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return image.resize((SHOWN_WIDTH, round(SHOWN_WIDTH * HEIGHT / WIDTH)), Image.Resampling.LANCZOS), milliseconds


def save(frames: Frames, path: Path) -> int:
    """Write an animation, in the best quality that stays below the limit; returns its bytes."""
    (first, *others), durations = zip(*frames, strict=True)
    for quality in range(85, 20, -10):
        options = {"quality": quality, "method": 6, "minimize_size": True, "loop": 0}
        first.save(path, "WEBP", save_all=True, append_images=others, duration=list(durations), **options)
        if path.stat().st_size < MOST_BYTES:
            break
    return path.stat().st_size


if __name__ == "__main__":
    main()
