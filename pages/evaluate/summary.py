"""How good the model is: accuracy, each class, whether its confidence can be believed, corrupted images."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.evaluate import making
from pages.evaluate.asked import Asked
from vit import text
from vit.evaluation.parts import Robustness

GRAY = "#808b8a"
SHARE = {"format": "~%"}
CALIBRATION_HELP = (
    "Of the images on which a model is 80% sure, 80% should be right: points on the dashed line. ECE is the mean "
    "distance from it. The temperature was fitted on val; it never changes which class is the likeliest."
)


def draw(chosen: Asked) -> None:
    """The figures, then the classes beside the calibration, then robustness."""
    found = chosen.summary
    accuracy = found.accuracy
    first, second, third, fourth = st.columns(4)
    interval = f"{text.percent(accuracy.low)} to {text.percent(accuracy.high)}"
    first.metric("Accuracy", text.percent(accuracy.value, 2), help="The share of right answers.")
    second.metric("95% interval", interval, help="Wilson's interval: where the accuracy on all such images lies.")
    third.metric("Right", f"{accuracy.right:,} of {accuracy.images:,}")
    ece = text.percent(found.raw.ece) + (f" → {text.percent(found.scaled.ece)}" if found.scaled else "")
    fourth.metric("Calibration error", ece, help="ECE, before and after the temperature.")
    left, right = st.columns(2, gap="medium")
    with left:
        _classes(chosen)
    with right:
        _calibration(chosen)
    _robustness(chosen)


def _classes(chosen: Asked) -> None:
    st.subheader("Classes", anchor=False)
    share = st.column_config.NumberColumn(format="%.1f%%")
    rows = [
        {
            "Class": row.name,
            "Precision": _points(row.precision),
            "Recall": _points(row.recall),
            "F1": _points(row.f1),
            "Images": row.support,
        }
        for row in chosen.summary.classes
    ]
    config = {"Precision": share, "Recall": share, "F1": share}
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=config, alt="Figures of each class")


def _points(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _calibration(chosen: Asked) -> None:
    found = chosen.summary
    st.subheader("Calibration", anchor=False, help=CALIBRATION_HELP)
    values = [
        {"which": name, "confidence": bin.confidence, "accuracy": bin.accuracy, "images": bin.images}
        for name, judged in (("as it says", found.raw), ("with temperature", found.scaled))
        if judged
        for bin in judged.bins
        if bin.images
    ]
    after = f", with temperature {text.percent(found.scaled.ece)}" if found.scaled else ""
    alt = f"Reliability diagram. ECE {text.percent(found.raw.ece)}{after}."
    st.vega_lite_chart(spec=_reliability(values), key="reliability", height=340, alt=alt)
    if found.scaled is None:
        st.caption("The temperature needs the model's own validation images, which are not on this machine.")


def _reliability(values: list[dict]) -> dict[str, Any]:
    """Accuracy over confidence; the two models of it differ by shape as well as color."""
    names = ["as it says", "with temperature"]
    x, y = (
        {"field": f, "type": "quantitative", "scale": {"domain": [0, 1]}, "axis": SHARE}
        for f in ("confidence", "accuracy")
    )
    look = {"field": "which", "type": "nominal", "title": None, "legend": {"orient": "top"}}
    return {
        "layer": [
            {
                "data": {"values": [{"confidence": 0, "accuracy": 0}, {"confidence": 1, "accuracy": 1}]},
                "mark": {"type": "line", "color": GRAY, "strokeDash": [4, 3]},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": values},
                "mark": {"type": "line", "point": {"filled": True, "size": 60}},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {**look, "scale": {"domain": names}},
                    "shape": {**look, "scale": {"domain": names, "range": ["circle", "diamond"]}},
                    "tooltip": [
                        {"field": "which", "title": "confidence"},
                        {"field": "confidence", "type": "quantitative", "format": ".1%"},
                        {"field": "accuracy", "type": "quantitative", "format": ".1%"},
                        {"field": "images", "type": "quantitative"},
                    ],
                },
            },
        ],
    }


def _robustness(chosen: Asked) -> None:
    st.subheader("Robustness", anchor=False, help="Five corruptions in five strengths, on up to 1,000 images.")
    found = chosen.evaluation.read("robustness", Robustness)
    if found is None:
        making.offer(chosen.evaluation, "robustness")
        return
    values = [{"kind": row.kind, "strength": row.strength, "accuracy": row.accuracy} for row in found.corrupted]
    values += [{"kind": kind, "strength": 0, "accuracy": found.clean} for kind in {row.kind for row in found.corrupted}]
    last = {row.kind: text.percent(row.accuracy) for row in found.corrupted}
    alt = f"Accuracy by strength, from {text.percent(found.clean)}; at strength 5: "
    st.vega_lite_chart(
        spec=_curves(values), key="robustness", height=320, alt=alt + ", ".join(f"{k} {v}" for k, v in last.items())
    )


def _curves(values: list[dict]) -> dict[str, Any]:
    look = {"field": "kind", "type": "nominal", "title": None}
    return {
        "data": {"values": values},
        "mark": {"type": "line", "point": {"filled": True, "size": 60}},
        "encoding": {
            "x": {"field": "strength", "type": "ordinal", "axis": {"labelAngle": 0}},
            "y": {"field": "accuracy", "type": "quantitative", "axis": SHARE, "scale": {"domainMin": 0}},
            "color": {**look, "legend": {"orient": "top"}},
            "shape": {**look, "legend": {"orient": "top"}},
            "tooltip": [look, {"field": "strength"}, {"field": "accuracy", "type": "quantitative", "format": ".1%"}],
        },
    }
