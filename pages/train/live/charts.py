"""The run's curves. Each chart keeps its place, its zoom and its hover while data arrives."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.shared import curves, expected, live_chart
from pages.shared.live_chart import Mark, Series
from vit import text
from vit.runs.directory import Event, Run
from vit.runs.metrics import MetricsTail, Rows
from vit.runs.plan import Plan

X_TITLES = {"step": "step", "epoch": "epoch", "time": "seconds of training", "images": "images seen"}
MARKED = ("saved", "resumed", "changed", "paused", "continued", "forked", "ended_early")  # kinds of events
MOST_MARKS, MOST_LETTERS = 40, 28  # the latest marks, and of a label

RESERVED_HEIGHT = 350  # pixels
LOSS_HELP = (
    "Cross-entropy. The train loss is computed on augmented images and smoothed labels, so it can stay above the "
    "val loss, which is computed without them."
)
SMOOTHING_HELP = "The strong line averages over about this share of the curve; the faint one is what was measured."


@dataclass(frozen=True)
class Look:
    """How a person wants to see the curves: over what, how smooth (a share of the curve), and the loss's axis."""

    x: str
    smoothing: float
    log: bool


def draw(run: Run, tail: MetricsTail, rows: Rows, events: list[Event], plan: Plan | None) -> None:
    """Loss and accuracy, and in small the learning rate and the speed."""
    look = _controls()
    marks = _marks(rows, events, look.x)
    left, right = st.columns(2, gap="medium")
    with left.container(border=True, gap=None):
        st.markdown("**Loss**", help=LOSS_HELP)
        series, words = _loss(tail, look)
        _draw(run, "loss", look, series, y_title="loss", alt=_with_marks(words, marks), log=look.log, marks=marks)
    with right.container(border=True, gap=None):
        st.markdown("**Validation accuracy**")
        series, words = _accuracy(tail, rows, look.x, len(plan.classes) if plan else 0)
        ghost, foretold = expected.ghost(run, rows, look.x)
        series, words = ghost + series, words + foretold
        _draw(run, "accuracy", look, series, y_title="accuracy", alt=words, percent=True, marks=marks)
    for column, title, metric in ((left, "Learning rate", "lr"), (right, "Images per second", "images_per_second")):
        with column.container(border=True, gap=None):
            st.markdown(f"**{title}**")
            small(tail, metric, look.x, key=f"{run.id}-{metric}", marks=marks)


def small(tail: MetricsTail, metric: str, x: str, *, key: str, marks: Sequence[Mark] = (), unit: float = 1) -> None:
    """One metric in a low chart, in multiples of a unit."""
    curve = tail.curve(metric, x)
    series = [Series(metric, "line", curve.x, curve.y / unit)]
    alt = f"{metric.replace('_', ' ')} over {X_TITLES[x]}"
    look = {"y_title": "", "alt": alt, "height": 130, "legend": False, "marks": marks}
    live_chart.draw(series, key=key, x_title=X_TITLES[x], **look)


def reserve() -> None:
    """Keep the charts' place until there is something to draw."""
    for column in st.columns(2, gap="medium"):
        column.skeleton(height=RESERVED_HEIGHT)


def _controls() -> Look:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        over = {"default": "step", "required": True, "label_visibility": "collapsed"}
        x = st.segmented_control("Curves over", list(X_TITLES), key="x", bind="query-params", **over)
        percent = 100 * curves.SMOOTHING
        smoothing = st.slider(
            "Smoothing",
            0,
            20,
            round(percent),
            format="%d%%",
            key="smoothing",
            bind="query-params",
            help=SMOOTHING_HELP,
            width=180,
        )
        log = st.toggle("Log scale", key="log", bind="query-params", help="A logarithmic axis for the loss.")
        st.caption("Drag over a chart to zoom in, double-click to reset.", width="content")
    return Look(x, smoothing / 100, log)


def _draw(run: Run, name: str, look: Look, series: list[Series], **more) -> None:
    live_chart.draw(series, key=f"{run.id}-{name}", x_title=X_TITLES[look.x], **more)


def _marks(rows: Rows, events: list[Event], x: str) -> list[Mark]:
    """The latest events that can be seen in a curve, where they happened; several of a step share a mark."""
    labels: dict[int, list[str]] = {}
    for event in events:
        if event.kind in MARKED and (label := _label(event)) not in labels.setdefault(event.step, []):
            labels[event.step].append(label)
    steps = sorted(labels)[-MOST_MARKS:]
    places = rows.column(x)[np.searchsorted(rows.column("step"), steps).clip(max=len(rows) - 1)]
    found = zip(places.tolist(), steps, strict=True)
    return [Mark(place, ", ".join(labels[step])[:MOST_LETTERS]) for place, step in found if place == place]


def _label(event: Event) -> str:
    """What happened in a word, or what was changed to what."""
    if event.kind == "changed":
        return event.text.removeprefix("Changed: ").removesuffix(".").replace("train.", "")
    return event.kind.replace("_", " ")


def _with_marks(words: str, marks: list[Mark]) -> str:
    return f"{words} Marks: {'; '.join(f'{mark.label} at {mark.x:g}' for mark in marks)}." if marks else words


def _loss(tail: MetricsTail, look: Look) -> tuple[list[Series], str]:
    """The losses, and what they say in words."""
    train, val = tail.curve("train_loss", look.x), tail.curve("val_loss", look.x)
    series = [Series("val", "val", val.x, val.y)]
    if look.smoothing:
        smoothed = curves.smooth(train.means.tolist(), look.smoothing)
        series = [Series("train", "train", train.mean_x, smoothed), *series]
    series = [Series("train", "raw" if look.smoothing else "train", train.x, train.y), *series]
    if not len(train.y):
        return series, "Loss: no values yet."
    validated = f" The validation loss is now {val.y[-1]:.3f}." if len(val.y) else ""
    return series, f"The train loss went from {train.y[0]:.3f} to {train.y[-1]:.3f}.{validated}"


def _accuracy(tail: MetricsTail, rows: Rows, x: str, num_classes: int) -> tuple[list[Series], str]:
    """Validation accuracy with its best point, beside what guessing would reach, and the same in words."""
    found, over = tail.curve("val_accuracy", x), rows.column(x)
    ends = [value for value in (over[0], over[-1]) if value == value]
    series = [Series("chance", "chance", ends, [1 / num_classes] * len(ends))] if num_classes else []
    series.append(Series("val", "val", found.x, found.y))
    if not len(found.y):
        return series, "Validation accuracy: no values yet."
    best, now = float(found.y.max()), float(found.y[-1])
    tied = np.flatnonzero((rows.column("val_accuracy") == best) & ~np.isnan(over))
    place = tied[np.nan_to_num(rows.column("val_loss")[tied], nan=np.inf).argmin()]  # as Run.best() chooses
    series.append(Series("best", "best", over[place : place + 1], [best]))
    return series, f"The validation accuracy is now {text.percent(now)}; the best was {text.percent(best)}."
