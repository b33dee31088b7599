"""Predict: show images to a model; see what it says and what it looks at."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.predict import compare, gallery, judging, nearest
from pages.predict.judging import How
from pages.shared import answers, models, sources
from pages.shared.inline import data_url
from pages.shared.input_images import InputImage
from pages.shared.literal import literal
from pages.shared.viewer import viewer
from vit.errors import ImageError

if TYPE_CHECKING:
    from vit.judge import Judge, Judged

SIDE = 384  # pixels


def draw(names: list[str]) -> None:
    """The choice of model and images, then one image in large or several in small."""
    model = _model(names)
    found = sources.choose(models.info(model))
    if len(found) > 1:
        gallery.draw(model, names, found)
    elif found:
        _single(model, names, found[0])


def _model(names: list[str]) -> str:
    left, middle, right = st.columns([3, 2, 5], vertical_alignment="bottom")
    with left:
        name = models.select(names)
    with middle:
        model = models.select_checkpoint(name)
    info = models.info(model)
    config = info.model
    chosen = model.partition("@")[2] or "best"
    which = f"{chosen.capitalize()} checkpoint: " if models.is_run(name) and not chosen.isdigit() else ""
    data = literal(info.data.get("name", "unknown data"))
    right.caption(
        f"{which}{models.reached(info)} · {data}, {len(info.classes)} classes · "
        f"{config.image_size}×{config.image_size} pixels as {config.num_patches} patches · "
        f"{config.depth} layers × {config.num_heads} heads"
    )
    return model


def _single(model: str, names: list[str], image: InputImage) -> None:
    """The image, the viewer and the answer side by side; below, other models."""
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
        how = _says(answer)
    nearest.draw(answer)
    others = compare.choose(model, names)
    if others:
        compare.draw(image, [model, *others], how)


def _original(answer: answers.Answer) -> None:
    st.markdown("**The image**")
    st.image(data_url(answer.preview, "JPEG"), width="stretch", alt=f"The original of {answer.image.name}")
    notes = [literal(answer.image.name), answer.prediction.note]
    if answer.preview.width != answer.preview.height:
        notes.append("the model sees the bright square")
    st.caption(" · ".join(filter(None, notes)))


def _says(answer: answers.Answer) -> How:
    """The answer, above the choices that change it, which are returned."""
    st.markdown("**Prediction**")
    judge, place = judging.of(answer.model), st.container()
    how = judging.controls(judge.reference is not None)
    with place:
        _verdict(answer, judge, judging.judged(answer, judge, how))
    if judge.reference is None:
        judging.unmeasured(answer.model)
    sources.link("attention", ":material/center_focus_strong:", answer.model, answer.image)
    return how


def _verdict(answer: answers.Answer, judge: "Judge", judged: "Judged") -> None:
    """The warning, if one is due, the likeliest classes, and whether that is right."""
    if judged.is_unusual and judge.reference:
        judging.warning(answer.model, judge.reference)
    answers.bars(judged)
    label = answer.image.label
    if label is not None:
        is_right = label == judged.top(1)[0][0]
        st.caption(f":material/{'check' if is_right else 'close'}: labeled {literal(label)}")


models.screen("Predict", draw)
