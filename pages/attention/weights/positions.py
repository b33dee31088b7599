"""Which positions a model takes for neighbours."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.attention.subject import Subject
from pages.shared import answers, curves, models
from vit.plots import colors
from vit.plots.scale import Scale

if TYPE_CHECKING:
    from torch import Tensor

HERE = Path(__file__).parent
COSINE = Scale(-1.0, 1.0, 1.0, "")

_mount = st.components.v2.component(
    "vit_lab_positions",
    html=(HERE / "positions.html").read_text(),
    css=(HERE / "positions.css").read_text(),
    js="\n".join((HERE / name).read_text() for name in ("../look/maps.js", "positions.js")),
)


def draw(subject: Subject) -> None:
    """The similarity of every position to the one that is pointed at."""
    st.markdown("**Position embeddings**")
    if subject.info.model.pos_embed == "none":
        st.markdown("This model has no position embeddings: it can't tell where a patch is.")
        return
    from vit.explain.internals import position_similarity

    similarity = position_similarity(models.predictor(subject.model).model)
    _mount(key="positions", data=data(subject, similarity))
    st.caption("Cosine similarity. Training makes neighbours alike, and often whole rows and columns.")


def data(subject: Subject, similarity: "Tensor") -> dict:
    """What the component gets: all similarities, (P, P), and their colours."""
    return {
        "stamp": str(answers.version(subject.model)),
        "grid": subject.info.model.grid_size,
        "similarity": [curves.significant(row) for row in similarity.cpu().tolist()],
        "scale": vars(COSINE),
        "colors": {"diverging": colors.table(colors.DIVERGING).tolist()},
    }
