"""Break: switch parts off and watch the answer follow."""

import streamlit as st

from pages.attention.subject import Subject
from pages.attention.surgery import fewest, order, panel, ranking


def draw(subject: Subject) -> None:
    """The operating table, then what it takes to keep or flip the answer, what order means, and which heads count."""
    panel.draw(subject)
    left, right = st.columns(2, gap="medium")
    with left.container(border=True, height="stretch"):
        fewest.draw(subject)
    with right.container(border=True, height="stretch"):
        order.draw(subject)
    ranking.draw(subject)
