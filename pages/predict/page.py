"""Predict: show images to a model; see what it says and what it looks at."""

import streamlit as st

from pages.predict import gallery
from pages.shared import answers, models, sources
from pages.shared.inline import data_url
from pages.shared.input_images import InputImage
from pages.shared.literal import literal
from pages.shared.viewer import viewer
from vit import text
from vit.errors import ImageError

SIDE = 384  # pixels


def draw(names: list[str]) -> None:
    """The choice of model and images, then one image in large or several in small."""
    model = _model(names)
    found = sources.choose(models.info(model))
    if len(found) > 1:
        gallery.draw(model, found)
    elif found:
        _single(model, found[0])


def _model(names: list[str]) -> str:
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        model = models.select(names)
    info = models.info(model)
    config = info.model
    accuracy = info.metrics.get("val_accuracy")
    reached = f"{text.percent(accuracy)} val accuracy · " if accuracy is not None else ""
    right.caption(
        f"{reached}{literal(info.data.get('name', 'unknown data'))}, {len(info.classes)} classes · "
        f"{config.image_size}×{config.image_size} pixels as {config.num_patches} patches · "
        f"{config.depth} layers × {config.num_heads} heads"
    )
    return model


def _single(model: str, image: InputImage) -> None:
    """The image, the viewer and the answer side by side."""
    columns = st.columns([4, 5, 4], gap="medium")
    try:
        with columns[1], st.skeleton(height=SIDE):
            answer = answers.ask(model, image)
            viewer.packed(answer, is_small=True)  # so that the place is kept while it is computed
    except ImageError as error:
        st.error(literal(error), icon=":material/broken_image:", title=literal(image.name))
        return
    with columns[0]:
        _original(answer)
    with columns[1]:
        st.markdown("**What the model attends to**", help=viewer.HELP)
        viewer.draw(answer, is_small=True)
    with columns[2]:
        _says(answer)


def _original(answer: answers.Answer) -> None:
    st.markdown("**The image**")
    st.image(data_url(answer.preview, "JPEG"), width="stretch", alt=f"The original of {answer.image.name}")
    notes = [literal(answer.image.name), answer.prediction.note]
    if answer.preview.width != answer.preview.height:
        notes.append("the model sees the bright square")
    st.caption(" · ".join(filter(None, notes)))


def _says(answer: answers.Answer) -> None:
    st.markdown("**Prediction**")
    answers.bars(answer.prediction)
    label = answer.image.label
    if label is not None:
        is_right = label == answer.prediction.top(1)[0][0]
        st.caption(f":material/{'check' if is_right else 'close'}: labeled {literal(label)}")
    sources.link("attention", ":material/center_focus_strong:", answer.model, answer.image)


models.screen("Predict", draw)
