"""Accuracy against arithmetic: what the presets reach for their floating-point operations, and what others reach.

    python -m bench.arithmetic

Draws docs/arithmetic.png from the figures that stand in ``vit/presets.py``, which ``bench/presets.py`` has measured.
Needs Chromium and playwright, because Plotly draws in a browser.
"""

import argparse
import json
from pathlib import Path

import plotly.graph_objects as go

from bench import machine, served
from vit import cost, paths, presets
from vit.config import RunConfig

WIDTH, HEIGHT, SCALE = 900, 480, 2  # pixels; two of the screen's for one of the page's
TRAIN_IMAGES = 50_000  # of CIFAR-10, of which the validation split is a part
NAMES = {"1-minute": "1 minute", "5-minutes": "5 minutes", "30-minutes": "30 minutes"}
NAMES |= {"plain": "Plain", "tutorial": "Tutorial: timm's ViT, AdamW"}
# https://github.com/KellerJordan/cifar10-airbench: as published, the accuracy of six views of each test image, which is
# about a point above that of one; and what bench/cnn_record.py has measured with its recipe, one view.
PUBLISHED, MEASURED = "CNN: airbench, six views", "the same on our data, one view"
CNN = {PUBLISHED: ((3.6e14, 0.9401), (1.4e15, 0.9501), (3.1e15, 0.96))}
WIDER = {"30 minutes, at width 96": ((6.7e14, 0.889),)}  # one seed (LOG.md)
COLORS = ["#0068c9", "#83c9ff", "#29b09d", "#7defa1", "#ff8700", "#ff2b2b", "#6d3fc0", "#31333f"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=paths.PROJECT / "docs/arithmetic.png")
    args = parser.parse_args()
    lines = {name: ours(preset) for preset, name in NAMES.items()} | WIDER | CNN
    lines |= {MEASURED: found} if (found := measured()) else {}
    rows = [
        {"what": name, "floating-point operations": f"{operations:.2g}", "test accuracy": f"{accuracy:.1%}"}
        for name, points in lines.items()
        for operations, accuracy in points
    ]
    print(machine.table(rows))
    with served.chromium() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE)
        page.set_content(figure(lines).to_html(include_plotlyjs=True, config={"staticPlot": True}))
        page.locator(".main-svg").first.wait_for()
        page.screenshot(path=args.out)
    print(args.out)


def ours(preset: str) -> tuple[tuple[float, float], ...]:
    """Operations of a whole training and the test accuracy behind it, for each length that was measured."""
    config = RunConfig.model_validate(presets.build(preset))
    images = TRAIN_IMAGES - config.data.num_val(TRAIN_IMAGES)
    per_epoch = cost.training_flops(config.model) * images
    return tuple((epochs * per_epoch, accuracy) for epochs, accuracy in presets.PRESETS[preset].reached)


def measured() -> tuple[tuple[float, float], ...]:
    """Operations and test accuracy of the CNN record's recipe at several widths, trained by ``bench/cnn_record.py``."""
    kept = [json.loads(path.read_text())["figures"] for path in machine.RESULTS.glob("cnn-record-*.json")]
    return tuple(sorted((row["operations"], row["test, views: 1"]) for row in kept))


def figure(lines: dict[str, tuple[tuple[float, float], ...]]) -> go.Figure:
    """One line for each network."""
    drawn = go.Figure(layout_template="plotly_white")
    for (name, points), color in zip(lines.items(), COLORS, strict=False):
        operations, accuracies = zip(*points, strict=True)
        dash = "dot" if name in (PUBLISHED, MEASURED) else "solid"
        look = {"line": {"color": color, "dash": dash}, "marker": {"color": color, "size": 9}}
        drawn.add_scatter(x=operations, y=accuracies, name=name, mode="lines+markers", **look)
    drawn.update_xaxes(type="log", title="floating-point operations of the training", exponentformat="power", dtick=1)
    drawn.update_yaxes(title="test accuracy, CIFAR-10", tickformat=".0%")
    return drawn.update_layout(width=WIDTH, height=HEIGHT, margin={"l": 70, "r": 20, "t": 20, "b": 60})


if __name__ == "__main__":
    main()
