"""One picture: the original, what the model sees with its attention, and what it says."""

import streamlit as st

from pages.shared import answers, looks, prediction
from pages.shared.inline import data_url
from pages.shared.looks import Look
from pages.shared.pictures import Picture
from vit.errors import ImageError
from vit.plots import heatmap

SIDE = 384  # pixels


def draw(model: str, picture: Picture, look: Look) -> None:
    """The three parts side by side."""
    columns = st.columns(3, gap="medium")
    try:
        with columns[1], st.skeleton(height=SIDE):
            answer = answers.ask(model, picture)
            trace = answers.trace_of(model, answer)
    except ImageError as error:
        st.error(str(error), icon=":material/broken_image:", title=picture.name)
        return
    with columns[0]:
        _original(answer)
    with columns[1]:
        _seen(answer, trace, look)
    with columns[2]:
        _says(answer)


def _original(answer: answers.Answer) -> None:
    st.markdown("**The picture**")
    st.image(data_url(answer.preview, "JPEG"), width="stretch", alt=f"The original of {answer.picture.name}")
    notes = [answer.picture.name, answer.prediction.note]
    if answer.preview.width != answer.preview.height:
        notes.append("the model sees the bright square")
    st.caption(" · ".join(filter(None, notes)))


def _seen(answer: answers.Answer, trace, look: Look) -> None:
    seen = answer.prediction.seen
    st.markdown("**What the model sees**")
    picture, scale, words = looks.draw(seen, trace, look, SIDE)
    st.image(data_url(picture), width="stretch", alt=words)
    if scale is not None:
        st.image(
            data_url(heatmap.colour_bar(scale, width=SIDE)),
            width="stretch",
            alt=f"Colours up to {scale.text(scale.high)}",
        )
    st.caption(f"{seen.width}×{seen.height} pixels. {words}")


def _says(answer: answers.Answer) -> None:
    st.markdown("**What it says**")
    prediction.bars(answer.prediction)
    label = answer.picture.label
    if label is not None:
        is_right = label == answer.prediction.top(1)[0][0]
        st.caption(f":material/{'check' if is_right else 'close'}: labelled {label}")
