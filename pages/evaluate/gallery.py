"""Images worth a look: the worst mistakes, the answers that were nearly wrong, and the surest ones."""

import streamlit as st

from pages.evaluate import cards
from pages.evaluate.asked import Asked
from vit import text

KINDS = {
    "mistakes": "Worst mistakes",
    "uncertain": "Least certain right answers",
    "sure": "Surest right answers",
}
WORDS = {
    "mistakes": "wrong, the surest first. Some are the label's mistake",
    "uncertain": "right, the least certain first",
    "sure": "right, the surest first: what the model takes for typical",
}


def draw(chosen: Asked) -> None:
    """The choice of a gallery, and its images."""
    from vit.evaluation import metrics

    kind = st.segmented_control(
        "Images",
        list(KINDS),
        key="gallery",
        bind="query-params",
        format_func=KINDS.__getitem__,
        required=True,
        default="mistakes",
        label_visibility="collapsed",
    )
    found = chosen.predictions
    order = {"mistakes": metrics.worst_mistakes, "uncertain": metrics.least_certain, "sure": metrics.surest}[kind]
    rows = order(found.predicted, found.labels, found.confidence)
    st.caption(f"{text.counted(len(rows), 'image')}: {WORDS[kind]}.")
    cards.draw(chosen, rows, f"{kind}-page")
