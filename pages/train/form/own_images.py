"""A person's own data set on the form: images of each class, their split, and what the model sees of them."""

import streamlit as st

from pages.shared.literal import literal
from pages.train.form import settings, state
from vit import text
from vit.config import share_or_count
from vit.data import catalog
from vit.data.store import DatasetInfo

FEW_OF_A_CLASS, MOST_NAMED = 30, 4
SHOWN, SIDE = 8, 64  # images of the preview, and their side in pixels


def draw() -> None:
    """Counts, split and preview of an imported data set, and a warning where a class has few images."""
    info = state.data_info()
    if info.kind != "imported":
        return
    counts = catalog.class_counts(info.name)
    num_val = max(1, share_or_count(st.session_state[settings.key("data.val_size")], info.counts["train"]))
    st.caption(f"{_named(counts)}. {text.counted(num_val, 'image')} of them validate, the others train.")
    few = {name: count for name, count in counts.items() if count < FEW_OF_A_CLASS}
    if few:
        way = "Add images." if st.session_state[state.START] else "Add images, or start from a trained model."
        rough = f"Below {FEW_OF_A_CLASS} images a class an accuracy is rough."
        st.caption(f":orange[:material/warning: Few images: {_named(few)}.] {rough} {way}")
    with st.expander("What the model sees of them"):
        _preview(info)


def _named(counts: dict[str, int]) -> str:
    """``cat 40, dog 20 and 3 more classes``."""
    named = ", ".join(f"{literal(name)} {count}" for name, count in [*counts.items()][:MOST_NAMED])
    left = len(counts) - MOST_NAMED
    return named + (f" and {text.counted(left, 'more class', 'more classes')}" if left > 0 else "")


def _preview(info: DatasetInfo) -> None:
    """Some images, cut and scaled to the size that the form says."""
    size = int(st.session_state[settings.key("model.image_size")])
    drawn = catalog.samples(info.name, "train", SHOWN, image_size=size)
    st.image([sample.image for sample in drawn], [literal(sample.class_name) for sample in drawn], width=SIDE)
    st.caption(f"The middle square of each image, scaled to {size}×{size} pixels.")
