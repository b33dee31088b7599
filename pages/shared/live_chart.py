"""A chart for curves that grow while somebody looks: it keeps its node, its zoom and its hover.

``st.plotly_chart`` builds a new chart whenever the data changes, so this is a small component around Plotly's own
``react``, with the JavaScript that the plotly package brings along (``pages.shared.server`` serves it).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pages.shared import component, curves
from pages.shared.curves import Values

_mount = component.register(
    "vit_lab_live_chart",
    Path(__file__).with_suffix(".js"),
    isolate_styles=False,  # Plotly adds its styles to the document, where a shadow root would not see them
)


@dataclass(frozen=True)
class Series:
    """One line.

    Attributes:
        name: As the legend shows it.
        kind: What it looks like: "raw" (faint), "train", "val" (points), "best" (a star), "chance" (dotted), "line",
            "points" (no line), "ghost" (pale, dashed), "band" (the area that the points go around).
        x: Places.
        y: Values, as many.
    """

    name: str
    kind: str
    x: Values
    y: Values


@dataclass(frozen=True)
class Mark:
    """A thin vertical line where something happened."""

    x: float
    label: str


def draw(
    series: list[Series],
    *,
    key: str,
    x_title: str,
    y_title: str,
    alt: str,
    height: int = 300,
    legend: bool = True,
    percent: bool = False,
    whole_steps: bool = False,
    log: bool = False,
    marks: Sequence[Mark] = (),
) -> None:
    """Draw or update a chart.

    Args:
        series: Lines, drawn in this order.
        key: Constant as long as the chart should stay the same.
        x_title: Of the horizontal axis; another one starts with an unzoomed chart.
        y_title: Of the vertical axis, with its unit.
        alt: The takeaway in words, for those who can't see the chart.
        height: In pixels.
        legend: Whether to name the lines above the chart.
        percent: Whether values are shares, shown as per cent of a whole that starts at zero.
        whole_steps: Whether x counts something, such as layers, and has ticks at whole numbers only.
        log: Whether the vertical axis is logarithmic; values that are not positive are left out.
        marks: What happened, in order of x.
    """
    lines = []
    for line in series:
        x, y = curves.thin(line.x, line.y)
        lines.append({"name": line.name, "kind": line.kind, "x": curves.packed(x), "y": curves.packed(y)})
    look = {"x_title": x_title, "y_title": y_title, "alt": alt, "marks": [asdict(mark) for mark in marks]}
    shape = {"height": height, "legend": legend, "percent": percent, "whole_steps": whole_steps, "log": log}
    _mount(key=key, data={"series": lines, **look, **shape}, height=height)
