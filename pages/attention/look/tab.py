"""Look: hover a patch and see what it reads, in every layer and head."""

import streamlit as st

from pages.attention.lens import lens
from pages.attention.look import canvas
from pages.attention.subject import Subject

KEYS = "On the picture, arrow keys move the patch, `[` `]` the layer, `,` `.` the head; Esc returns to the start."


def draw(subject: Subject) -> None:
    """The canvas, which has everything that it needs, how to use it, and what each layer would say."""
    canvas.draw(subject.model, subject.answer, subject.trace, key="attention")
    st.caption(
        "Point at a patch to see whose information it takes in, click to keep it, then point at others to read their "
        f"values. {KEYS}"
    )
    with st.expander("What am I looking at?"):
        st.markdown(EXPLANATION)
    lens.draw(subject)


EXPLANATION = """
In every layer, every head lets each token take in information from all tokens: **attention** says from which, and how
much; what one token takes in sums to 100 %. **1x uniform** would be the same from all.

- **Mean** is the average over the heads of a layer. **Rollout** follows attention through all layers up to that one,
  half of it staying in place because of the residual connection (Abnar & Zuidema 2020, arXiv:2005.00928).
- **Class token** is what the classifier reads; models without one read the **mean of the patches**.
- **Flat** means that a map's values differ by less than 5 %: there is nothing to see, so nothing is stretched.

Attention says where information *could* come from. It doesn't know the class, and it doesn't say what the information
did.
"""
