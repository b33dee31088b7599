"""Other models on the same images, side by side."""

from collections.abc import Sequence

import streamlit as st

from pages.predict import judging
from pages.predict.judging import How
from pages.shared import answers, mistakes, models
from pages.shared.inline import data_url
from pages.shared.input_images import InputImage
from pages.shared.literal import literal
from pages.shared.viewer import viewer

MOST = 2  # beside the chosen one
SIDE = 320  # pixels
HELP = "Up to two other models are asked about the same images."


def choose(model: str, names: Sequence[str]) -> list[str]:
    """The models to compare with; none where there is no other."""
    if len(names) < 2:
        return []
    chosen = st.multiselect(
        "Compare with",
        names,
        key="compare",
        bind="query-params",
        max_selections=MOST,
        placeholder="another model",
        help=HELP,
    )
    return [name for name in chosen if name != model]


def draw(image: InputImage, chosen: Sequence[str], how: How) -> None:
    """One image through each model: what it attends to, what it says, and whether it knows such images."""
    for place, name in zip(st.columns(MOST + 1, gap="medium"), chosen, strict=False):
        with place, mistakes.shown():
            _column(name, image, how)


def _column(model: str, image: InputImage, how: How) -> None:
    st.markdown(f"**{literal(model)}**")
    st.caption(models.reached(models.info(model)))
    answer, judge = answers.ask(model, image), judging.of(model)
    thumbnail, alt = viewer.still(answer, SIDE)
    st.image(data_url(thumbnail, "JPEG"), width="stretch", alt=alt)
    judged = judging.judged(answer, judge, how)
    answers.bars(judged, 3)
    if judge.reference is None and not how.raw:
        st.caption("Raw confidence: this model was not evaluated on its own data yet.")
    if judged.is_unusual:
        st.caption(f":material/warning: {judging.UNUSUAL.capitalize()}")
