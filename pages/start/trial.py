"""A trained model to try at once: a sample image, what the model says about it and what it attends to."""

from collections.abc import Callable

import streamlit as st

from pages.shared import answers, image_picker, input_images, models
from pages.shared.literal import literal
from pages.shared.viewer import viewer
from vit.errors import VitError

HEIGHT = 420  # pixels that the answer will need
MOST_SAMPLES = 12


def card() -> Callable[[], None]:
    """Draw the card with a reserved place for the answer.

    Returns:
        Fills that place; to be called once everything else on the page is drawn.
    """
    st.subheader("Try a trained model", anchor=False)
    try:
        model = next(iter(models.names()), "")
        offered = list(input_images.offered(models.info(model)).values())[:MOST_SAMPLES] if model else []
    except VitError as error:
        st.error(literal(error))
        return lambda: None
    if not offered:
        st.markdown("There is no trained model yet. Train one, and its predictions and attention appear here.")
        return lambda: None
    place = st.container()
    chosen = image_picker.pick("Sample images", offered, key="trial", selected=offered[0].id)
    label = f"Try your own image with {model}"
    st.page_link("pages/predict/page.py", label=label, icon=":material/image_search:", query_params={"model": model})
    return lambda: _answer(place, model, chosen)


def _answer(place, model: str, image_id: str) -> None:
    try:
        with place, st.skeleton(height=HEIGHT):
            answer = answers.ask(model, input_images.find(image_id))
            viewer.packed(answer, is_small=True)  # so that the place is kept while it is computed
    except VitError as error:
        place.error(literal(error))
        return
    left, right = place.columns([5, 4], vertical_alignment="center")
    with left:
        viewer.draw(answer, is_small=True)
    with right:
        answers.bars(answer.prediction, 3)
        side = answer.prediction.seen.width
        st.caption(f"{model} sees {side}×{side} pixels. Warm patches get more than uniform attention.")
