"""An answer as a picture: both settings for each seed, and the interval of their difference."""

from typing import Any

import streamlit as st

from pages.shared.literal import literal
from vit import text
from vit.sweeps.questions import Asked, Pair
from vit.sweeps.verdict import MATTERS, MIN_PAIRS, Verdict

ROW, FRAME, INTERVAL = 20, 120, 100  # pixels
TALLEST = 480
MOST_LABELS = 20
GRAY = "#808b8a"  # of lines; seen on light and dark ground
PERCENT = {"format": "~%", "title": "val accuracy", "tickMinStep": 0.01}


def answer(asked: Asked) -> None:
    """The verdict's sentence and both pictures; nothing before the first seed is done."""
    pairs, verdict = asked.pairs(), asked.verdict()
    if not pairs:
        return
    if verdict:
        icon = ":material/check_circle:" if verdict.is_found else ":material/help:"
        st.markdown(f"{icon} {literal(verdict.sentence)}")
    else:
        st.caption(f"A verdict needs {MIN_PAIRS} seeds.")
    names = [arm.label for arm in asked.question.arms]
    height = min(TALLEST, FRAME + ROW * len(pairs))
    st.vega_lite_chart(spec=_dots(pairs, names), key=f"dots-{asked.id}", height=height, alt=_told(pairs, names))
    if verdict:
        spec = _interval(verdict, names)
        st.vega_lite_chart(spec=spec, key=f"interval-{asked.id}", height=INTERVAL, alt=verdict.sentence)


def _told(pairs: list[Pair], names: list[str]) -> str:
    each = "; ".join(f"seed {p.seed}: {text.percent(p.first)} and {text.percent(p.second)}" for p in pairs)
    return f"Val accuracy of {names[0]} and {names[1]}. {each}."


def _dots(pairs: list[Pair], names: list[str]) -> dict[str, Any]:
    """A line per seed from one setting's accuracy to the other's; the settings differ by shape as well as color."""
    rows = [{"seed": pair.seed, "first": pair.first, "second": pair.second} for pair in pairs]
    points = [
        {"seed": pair.seed, "setting": name, "accuracy": value}
        for pair in pairs
        for name, value in zip(names, (pair.first, pair.second), strict=True)
    ]
    axis = {"labelOverlap": len(pairs) > MOST_LABELS}
    seed = {"field": "seed", "type": "ordinal", "title": "seed", "axis": axis}
    look = {"field": "setting", "type": "nominal", "title": None, "scale": {"domain": names}}
    marks = {**look, "scale": {"domain": names, "range": ["circle", "diamond"]}}
    scale = {"zero": False, "nice": True}
    return {
        "layer": [
            {
                "data": {"values": rows},
                "mark": {"type": "rule", "color": GRAY},
                "encoding": {
                    "y": seed,
                    "x": {"field": "first", "type": "quantitative", "scale": scale, "axis": PERCENT},
                    "x2": {"field": "second"},
                },
            },
            {
                "data": {"values": points},
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                "encoding": {
                    "y": seed,
                    "x": {"field": "accuracy", "type": "quantitative", "scale": scale, "axis": PERCENT},
                    "color": {**look, "legend": {"orient": "top"}},
                    "shape": {**marks, "legend": {"orient": "top"}},
                    "tooltip": [
                        {"field": "seed", "type": "ordinal"},
                        {"field": "setting"},
                        {"field": "accuracy", "type": "quantitative", "format": ".1%"},
                    ],
                },
            },
        ],
    }


def _interval(verdict: Verdict, names: list[str]) -> dict[str, Any]:
    """The mean difference and its interval, in points, against zero and against what matters."""
    ends = [{"low": 100 * verdict.low, "high": 100 * verdict.high, "mean": 100 * verdict.difference}]
    title = f"{names[0]} minus {names[1]}, points"
    axis = {"type": "quantitative", "axis": {"title": title}}
    band = [{"from": -100 * MATTERS, "to": 100 * MATTERS}]
    return {
        "layer": [
            {
                "data": {"values": band},
                "mark": {"type": "rect", "color": GRAY, "opacity": 0.2},
                "encoding": {"x": {"field": "from", **axis}, "x2": {"field": "to"}},
            },
            {
                "data": {"values": [{"zero": 0}]},
                "mark": {"type": "rule", "color": GRAY, "strokeDash": [4, 3]},
                "encoding": {"x": {"field": "zero", **axis}},
            },
            {
                "data": {"values": ends},
                "mark": {"type": "rule", "color": GRAY, "strokeWidth": 3},
                "encoding": {"x": {"field": "low", **axis}, "x2": {"field": "high"}},
            },
            {
                "data": {"values": ends},
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
                "encoding": {"x": {"field": "mean", **axis}},
            },
        ],
    }
