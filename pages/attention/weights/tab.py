"""Weights: filters, positions, how far heads look, and how long tokens are."""

import streamlit as st

from pages.attention.subject import Subject
from pages.attention.weights import depth, filters, positions


def draw(subject: Subject) -> None:
    """What was learned on top, what this picture makes of it below."""
    left, right = st.columns(2, gap="medium")
    with left.container(border=True, height="stretch"):
        positions.draw(subject)
    with right.container(border=True, height="stretch"):
        filters.draw(subject)
    with st.container(border=True):
        depth.distances(subject)
    with st.container(border=True):
        depth.norms(subject)
