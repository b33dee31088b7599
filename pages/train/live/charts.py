"""The run's curves. Each chart keeps its place, its zoom and its hover while data arrives."""

import streamlit as st

from pages.shared import curves, live_chart
from pages.shared.live_chart import Series
from vit import text
from vit.runs.directory import Run
from vit.runs.metrics import curve
from vit.runs.plan import Plan

X_TITLES = {"step": "step", "epoch": "epoch", "time": "seconds of training"}

RESERVED_HEIGHT = 350  # pixels
LOSS_HELP = (
    "Cross-entropy. The train loss is computed on augmented images and smoothed labels, so it can stay above the "
    "val loss, which is computed without them."
)


def draw(run: Run, rows: list[dict], plan: Plan | None) -> None:
    """Loss and accuracy, and in small the learning rate and the speed."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        over = {"default": "step", "required": True, "label_visibility": "collapsed"}
        x = st.segmented_control("Curves over", list(X_TITLES), key="x", bind="query-params", **over)
        st.caption("Drag over a chart to zoom in, double-click to reset.")
    left, right = st.columns(2, gap="medium")
    with left.container(border=True, gap=None):
        st.markdown("**Loss**", help=LOSS_HELP)
        series, words = _loss(rows, x)
        _draw(run, "loss", x, series, y_title="loss", alt=words)
    with right.container(border=True, gap=None):
        st.markdown("**Validation accuracy**")
        series, words = _accuracy(rows, x, len(plan.classes) if plan else 0)
        _draw(run, "accuracy", x, series, y_title="accuracy", alt=words, percent=True)
    for column, title, metric in ((left, "Learning rate", "lr"), (right, "Images per second", "images_per_second")):
        with column.container(border=True, gap=None):
            st.markdown(f"**{title}**")
            series = [Series(metric, "line", *curve(rows, metric, x))]
            alt = f"{metric.replace('_', ' ')} over {X_TITLES[x]}"
            _draw(run, metric, x, series, y_title="", alt=alt, height=130, legend=False)


def reserve() -> None:
    """Keep the charts' place until there is something to draw."""
    for column in st.columns(2, gap="medium"):
        column.skeleton(height=RESERVED_HEIGHT)


def _draw(run: Run, name: str, x: str, series: list[Series], **look) -> None:
    live_chart.draw(series, key=f"{run.id}-{name}", x_title=X_TITLES[x], **look)


def _loss(rows: list[dict], x: str) -> tuple[list[Series], str]:
    """The losses, and what they say in words."""
    places, train = curve(rows, "train_loss", x)
    val_places, val = curve(rows, "val_loss", x)
    series = [
        Series("train, raw", "raw", places, train),
        Series("train", "train", places, curves.smooth(train)),
        Series("val", "val", val_places, val),
    ]
    if not train:
        return series, "Loss: no values yet."
    validated = f" The validation loss is now {val[-1]:.3f}." if val else ""
    return series, f"The train loss went from {train[0]:.3f} to {train[-1]:.3f}.{validated}"


def _accuracy(rows: list[dict], x: str, num_classes: int) -> tuple[list[Series], str]:
    """Validation accuracy with its best point, beside what guessing would reach, and the same in words."""
    places, values = curve(rows, "val_accuracy", x)
    ends = [rows[0].get(x, 0), rows[-1].get(x, 0)]
    series = [Series("chance", "chance", ends, [1 / num_classes] * 2)] if num_classes else []
    series.append(Series("val", "val", places, values))
    if not values:
        return series, "Validation accuracy: no values yet."
    best = max(values)
    series.append(Series("best", "best", [places[values.index(best)]], [best]))
    return series, f"The validation accuracy is now {text.percent(values[-1])}; the best was {text.percent(best)}."
