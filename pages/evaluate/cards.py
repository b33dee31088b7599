"""Images of a split as cards: what they are labeled, what the model says, and a way to look inside."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from pages.evaluate.asked import Asked
from pages.shared import answers, checkpoints, input_images
from pages.shared.inline import data_url
from pages.shared.input_images import InputImage
from pages.shared.literal import literal
from pages.shared.viewer import viewer
from vit import text
from vit.data import catalog
from vit.images import DecodedImage
from vit.plots import heatmap

PER_PAGE = 12
SIDE = 192  # pixels
ATTENTION_HELP = "The attention rollout over each image, as on Attention. It takes a moment longer."


def draw(chosen: Asked, rows: Sequence[int] | np.ndarray, key: str, note: Callable[[int], str] | None = None) -> None:
    """A page of cards.

    Args:
        chosen: What was evaluated.
        rows: Of the predictions, in the order to show them.
        key: Unique on the screen; the page's number in the address is called so.
        note: What else to say of a row.
    """
    if not len(rows):
        st.markdown("There is no such image.")
        return
    left, right = st.columns([3, 1], vertical_alignment="center")
    pages = -(-len(rows) // PER_PAGE)
    with left:
        page = st.pagination(pages, key=key, bind="query-params") if pages > 1 else 1
    with_attention = right.toggle("Attention", key="attention", bind="query-params", help=ATTENTION_HELP)
    shown = [int(row) for row in rows[(page - 1) * PER_PAGE : page * PER_PAGE]]
    with st.grid(6, min_column_width=130, key=f"cards-{key}"):
        for row, image in zip(shown, images(chosen, shown), strict=True):
            with st.container(border=True, gap="xsmall", height="stretch"):
                card(chosen, row, image, with_attention, note)


def images(chosen: Asked, rows: list[int]) -> list[InputImage]:
    """The images of some rows, read from disk at once."""
    identity, places = chosen.evaluation.identity, chosen.predictions.places
    stored = "test" if identity.split == "test" else "train"
    part = input_images.VALIDATION if identity.split == "val" else identity.split
    found = catalog.load_images(identity.data, stored, [int(places[row]) for row in rows])
    return [
        InputImage(
            f"{identity.data}:{part}:{sample.index}",
            f"{identity.data} {part} image {sample.index}",
            lambda sample=sample: DecodedImage(sample.image, None),
            sample.class_name,
        )
        for sample in found
    ]


def card(
    chosen: Asked, row: int, image: InputImage, with_attention: bool, note: Callable[[int], str] | None = None
) -> None:
    """One image, its label, the answer, and the link to Attention."""
    found = chosen.predictions
    says, label = chosen.classes[found.predicted[row]], chosen.classes[found.labels[row]]
    if with_attention:
        thumbnail, _ = viewer.still(answers.ask(chosen.model, image), SIDE)
    else:
        thumbnail = heatmap.enlarge(image.read().image, SIDE)
    st.image(data_url(thumbnail, "JPEG"), width="stretch", alt=f"Labeled {label}, the model says {says}")
    mark = "check" if says == label else "close"
    st.markdown(f":material/{mark}: **{literal(says)}** {text.percent(found.confidence[row])}")
    st.caption(f"labeled {literal(label)}" + (f" · {literal(note(row))}" if note else ""))
    query = checkpoints.query(chosen.model)
    if query:
        st.page_link(
            "pages/attention/page.py",
            label="Attention",
            icon=":material/center_focus_strong:",
            query_params={**query, "image": image.id},
        )
