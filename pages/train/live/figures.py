"""The run's latest figures in one row."""

import streamlit as st

from pages.shared import words
from pages.train.live.pace import change, last


def draw(rows: list[dict]) -> None:
    """Six numbers, each with its unit; a dash where there is none yet."""
    with st.grid(6, min_column_width=130, gap="small"):
        st.metric("Train loss", words.number(last(rows, "train_loss"), ".3f"), border=True)
        st.metric("Val loss", words.number(last(rows, "val_loss"), ".3f"), border=True)
        _accuracy(rows)
        st.metric("Images/s", words.number(last(rows, "images_per_second")), border=True)
        st.metric("Learning rate", words.number(last(rows, "lr"), ".1e").replace("e-0", "e-"), border=True)
        st.metric("Gradient norm", words.number(last(rows, "grad_norm"), ".2f"), border=True)


def _accuracy(rows: list[dict]) -> None:
    gain = change(rows, "val_accuracy")
    help_ = "Share of the validation pictures that are right" + (
        "" if gain is None else f"; {100 * gain:+.1f} points since the validation before"
    )
    st.metric("Val accuracy", words.percent(last(rows, "val_accuracy")), border=True, help=help_)
