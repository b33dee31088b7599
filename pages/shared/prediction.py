"""What a model says, as bars."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import words

if TYPE_CHECKING:
    from vit.predict import Prediction


def bars(prediction: "Prediction", k: int = 5) -> None:
    """The likeliest classes, each with its probability as a number and as a bar."""
    for name, probability in prediction.top(k):
        st.progress(probability, text=f"{name} · **{words.percent(probability)}**")
