"""A map of the images: those with alike features lie beside each other."""

from typing import Any

import streamlit as st

from pages.evaluate import cards, making
from pages.evaluate.asked import Asked
from pages.shared.inline import data_url
from vit.data import catalog
from vit.evaluation.directory import Evaluation
from vit.evaluation.parts import ImageMap
from vit.plots import heatmap

CHART, ROW, HEIGHT = "map_chart", "row", 560
HOVER = 96  # pixels
GRAY = "#808b8a"  # seen on light and on dark ground
HOVER_HELP = (
    "t-SNE of what the head of the model reads. The axes mean nothing; only what lies beside what does. Point at an "
    "image to see it, click it to open it."
)
LOOKS = {"right": "circle", "wrong": "cross"}


def draw(chosen: Asked) -> None:
    """The map, and the image that was clicked."""
    found = chosen.evaluation.read("map", ImageMap)
    if found is None:
        making.offer(chosen.evaluation, "map")
        return
    st.caption(f"{len(found.rows):,} images", help=HOVER_HELP)
    left, right = st.columns([4, 1], gap="medium")
    with left:
        st.vega_lite_chart(
            spec=_spec(_points(chosen.evaluation, chosen)),
            key=CHART,
            height=HEIGHT,
            on_select=_take,
            selection_mode="image",
            alt="Map of the images: a point for each, colored by its label; wrong answers are crosses.",
        )
    with right:
        _chosen(chosen, found)


@st.cache_data(max_entries=3, show_spinner=False, hash_funcs={Evaluation: lambda evaluation: str(evaluation.path)})
def _points(evaluation: Evaluation, _chosen: Asked) -> list[dict]:
    """A point for each image, which brings its picture along for the tooltip."""
    found, classes = _chosen.predictions, _chosen.classes
    drawn = evaluation.read("map", ImageMap)
    assert drawn is not None, "it was read a moment ago"
    identity = evaluation.identity
    places = [int(found.places[row]) for row in drawn.rows]
    stored = catalog.load_images(identity.data, "test" if identity.split == "test" else "train", places)
    return [
        {
            "row": row,
            "x": x,
            "y": y,
            "label": classes[found.labels[row]],
            "says": classes[found.predicted[row]],
            "answer": "right" if found.labels[row] == found.predicted[row] else "wrong",
            "image": data_url(
                heatmap.enlarge(sample.image, HOVER) if sample.image.width > HOVER else sample.image, "JPEG"
            ),
        }
        for row, x, y, sample in zip(drawn.rows, drawn.x, drawn.y, stored, strict=True)
    ]


def _spec(points: list[dict]) -> dict[str, Any]:
    """Points colored by label; a wrong answer is a cross, so that color isn't all that tells it."""
    axis = {"type": "quantitative", "axis": None}
    label = {"field": "label", "type": "nominal", "title": "label", "legend": {"orient": "top", "columns": 5}}
    few = len({point["label"] for point in points}) <= 10
    shape = {"domain": list(LOOKS), "range": list(LOOKS.values())}
    return {
        "data": {"values": points},
        "params": [
            {"name": "image", "select": {"type": "point", "fields": ["row"], "toggle": False}},
            {"name": "moved", "select": "interval", "bind": "scales"},
        ],
        "mark": {"type": "point", "filled": True, "size": 40, "opacity": 0.8, "cursor": "pointer"},
        "encoding": {
            "x": {"field": "x", **axis},
            "y": {"field": "y", **axis},
            "color": {**label, "scale": {"scheme": "category10" if few else "category20"}},
            "shape": {
                "field": "answer",
                "type": "nominal",
                "title": "answer",
                "scale": shape,
                "legend": {"orient": "bottom", "symbolFillColor": GRAY, "symbolStrokeColor": GRAY},
            },
            "tooltip": [{"field": "image"}, {"field": "label"}, {"field": "says"}],
        },
    }


def _take() -> None:
    """A point was clicked: its row goes into the address."""
    picked = st.session_state[CHART]["selection"].get("image")
    if picked:
        st.query_params[ROW] = str(picked[0]["row"])


def _chosen(chosen: Asked, found: ImageMap) -> None:
    row = st.query_params.get(ROW, "")
    if not row.isdecimal() or int(row) not in found.rows:
        st.markdown("Click a point to see its image here.")
        return
    with st.container(border=True, gap="xsmall"):
        cards.card(chosen, int(row), cards.images(chosen, [int(row)])[0], False)
