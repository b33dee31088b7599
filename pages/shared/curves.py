"""Curves read once for all visitors, and made fit for a chart: smoothed, thinned to what a screen shows, packed."""

import base64
from collections.abc import Sequence

import numpy as np
import streamlit as st

from vit.runs.directory import Run
from vit.runs.metrics import MetricsTail
from vit.runs.reduce import MOST_BUCKETS, Reducer

Values = Sequence[float] | np.ndarray
MOST_POINTS = 2 * MOST_BUCKETS + 2  # per line
SMOOTHING = 0.02  # a smoothed point looks back over about this share of the curve


def smooth(values: Sequence[float], share: float = SMOOTHING) -> list[float]:
    """Exponential moving average over a share of the curve; it starts unbiased at the first value."""
    span = max(1.0, share * len(values), min(3.0, len(values) / 4) if share else 1.0)
    decay = 1 - 1 / span
    average, weight, smoothed = 0.0, 0.0, []
    for value in values:
        average = decay * average + (1 - decay) * value
        weight = decay * weight + (1 - decay)
        smoothed.append(average / weight)
    return smoothed


def thin(x: Values, y: Values, most: int = MOST_POINTS) -> tuple[Values, Values]:
    """At most ``most`` points that keep every visible peak: the lowest and highest of equal stretches, and both ends.

    Returns:
        The chosen points in their order, untouched if there are few enough.
    """
    if len(x) <= most:
        return x, y
    values, reducer = np.asarray(y), Reducer((most - 2) // 2)
    reducer.update(values)
    points = reducer.points()
    return np.asarray(x)[points].tolist(), values[points].tolist()


def packed(values: Values) -> str:
    """Numbers as base64 of little-endian float32, which a browser reads without parsing: seven digits each."""
    with np.errstate(over="ignore"):  # what no float32 can hold becomes infinite, which a chart leaves out
        return base64.b64encode(np.asarray(values).astype("<f4").tobytes()).decode()


def significant(values: Values, digits: int = 4) -> list[float]:
    """Rounded to what can be seen, which halves what travels to the browser."""
    return [float(f"{value:.{digits}g}") for value in values]


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Run: lambda run: str(run.path)})
def tail(run: Run) -> MetricsTail:
    """The reader that all visitors share; it remembers how far it has read."""
    return MetricsTail(run)
