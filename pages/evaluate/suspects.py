"""Images whose label may be wrong."""

import streamlit as st

from pages.evaluate import cards, making
from pages.evaluate.asked import Asked
from vit import text
from vit.evaluation.parts import Suspects

HELP = (
    "Confident learning (Northcutt et al. 2021): a small classifier reads the model's features, five times, and judges "
    "each image without having seen its label. With 5% of the labels of CIFAR-10's test split made wrong, at least two "
    "of three images at the top of the list were among them."
)


def draw(chosen: Asked) -> None:
    """The list, the most suspicious first."""
    found = chosen.evaluation.read("suspects", Suspects)
    if found is None:
        making.wait(chosen.evaluation, "suspects")
        return
    if not found.num_issues:
        st.markdown("No label looks wrong.", help=HELP)
        return
    st.markdown(
        f"{text.counted(found.num_issues, 'label')} may be wrong, the most suspicious first. Many are right, and the "
        "image is merely hard: look before you change one.",
        help=HELP,
    )
    suggested = dict(zip(found.rows, found.suggested, strict=True))
    rows = found.rows[: found.num_issues]
    cards.draw(chosen, rows, "suspects-page", lambda row: f"looks like {chosen.classes[suggested[row]]}")
