"""Curves of several runs on shared axes. A run has its own dash and marker, because color alone says too little."""

import streamlit as st

from pages.shared import curves
from pages.shared.curves import significant
from pages.shared.literal import literal
from vit import text
from vit.runs.directory import Run
from vit.runs.metrics import curve
from vit.runs.summary import Summary

METRICS = {"val accuracy": "val_accuracy", "val loss": "val_loss", "train loss": "train_loss", "lr": "lr"}
X_TITLES = {"step": "step", "epoch": "epoch", "time": "seconds of training", "images": "images seen"}
MOST_RUNS = 10
DASHES, MARKERS = ("solid", "dash", "dot", "dashdot"), ("circle", "square", "diamond", "x", "triangle-up", "cross")
FEW_POINTS = 80  # up to so many, each has its marker
HEIGHT = 420  # pixels


def draw(chosen: list[Summary], runs: list[Summary]) -> None:
    """One metric of the selected runs over one measure of progress."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        look = {"required": True, "label_visibility": "collapsed", "bind": "query-params"}
        name = st.segmented_control("Metric", list(METRICS), default="val accuracy", key="metric", **look)
        x = st.segmented_control("Over", list(X_TITLES), default="step", key="x", **look)
    shown = chosen[:MOST_RUNS]
    lines = [(run, *_points(run.id, METRICS[name], x)) for run in shown]
    traces = [_trace(place, *line) for place, line in enumerate(lines) if line[1]]
    if traces:
        words = _words(name, lines)
        from plotly.graph_objects import Figure  # slow to import; and only a Figure gets the theme's colors

        st.plotly_chart(Figure(traces, _layout(name, x)), key="curves", config={"displayModeBar": False}, alt=words)
        st.caption(literal(words))
    else:
        st.markdown(f"There is no {name} yet.")
    if len(chosen) > MOST_RUNS:
        st.caption(f"The first {MOST_RUNS} of {len(chosen)} selected runs are drawn.")


def _points(run_id: str, metric: str, x: str) -> tuple[curves.Values, curves.Values]:
    places, values = curve(curves.tail(Run.find(run_id)).read(), metric, x)
    if metric == "train_loss":
        values = curves.smooth(values)
    return curves.thin(places, values)


def _trace(place: int, run: Summary, x: curves.Values, y: curves.Values) -> dict:
    return {
        "type": "scatter",
        "name": run.id,
        "x": significant(x, 6),
        "y": significant(y),
        "mode": "lines+markers" if len(x) <= FEW_POINTS else "lines",
        "line": {"dash": DASHES[place % len(DASHES)], "width": 2},
        "marker": {"symbol": MARKERS[place % len(MARKERS)], "size": 7},
    }


def _layout(name: str, x: str) -> dict:
    is_share = name == "val accuracy"
    return {
        "height": HEIGHT,
        "uirevision": f"{name} over {x}",
        "hovermode": "x unified",
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": {"title": {"text": X_TITLES[x]}},
        "yaxis": {"title": {"text": name}, "tickformat": ".0%" if is_share else "", "rangemode": "normal"},
    }


def _words(name: str, lines: list[tuple[Summary, curves.Values, curves.Values]]) -> str:
    """What each curve came to."""
    show = text.percent if name == "val accuracy" else lambda value: f"{value:.3g}"
    last = [f"{run.id} {show(y[-1])}" for run, _, y in lines if y]
    return f"Last {name}{', smoothed' * (name == 'train loss')}: {', '.join(last)}."
