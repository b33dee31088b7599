"""A card for every data set: what is in it, what it looks like, what to do with it."""

import streamlit as st
from PIL import Image

from pages.shared import launching, mistakes
from pages.shared.literal import literal
from vit import text
from vit.data import catalog
from vit.data.store import DatasetInfo
from vit.plots import heatmap

NUM_SAMPLES, SIDE, GAP = 8, 64, 6  # images; pixels
CLASSES_SHOWN = 12
PAGE = "pages/data/page.py"


def draw() -> None:
    """All data sets, two in a row."""
    with st.grid(2, min_column_width=320, gap="medium"):
        for info in catalog.list_datasets():
            with st.container(border=True, height="stretch", key=f"set-{info.name}"):
                _card(info)


def _card(info: DatasetInfo) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(info.name, anchor=False, width="content")
        if info.kind == "generated":
            st.badge("built in", color="gray")
    if info.problem:
        st.error(literal(info.problem))
    else:
        st.image(_strip(info.name, info.fingerprint), width="stretch", alt=f"Training images of {info.name}")
        st.caption(literal(_content(info)))
        if info.num_broken:
            left_out = f"{text.counted(info.num_broken, 'file')} left out"
            with st.expander(left_out, icon=":material/broken_image:"):
                for name, reason in info.broken:
                    st.caption(f"**{literal(name)}** {literal(reason)}")
    st.space("stretch")
    _actions(info)


def _content(info: DatasetInfo) -> str:
    counts = ", ".join(f"{count:,} {split}" for split, count in info.counts.items())
    size = f"{info.image_size}×{info.image_size} pixels" if info.image_size else "any size"
    shown = ", ".join(info.classes[:CLASSES_SHOWN]) + (" and more" if len(info.classes) > CLASSES_SHOWN else "")
    return f"{counts} images, {size}. {len(info.classes)} classes: {shown}. {info.description}"


def _actions(info: DatasetInfo) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if not info.problem:
            st.page_link(PAGE, label="Look inside", icon=":material/grid_view:", query_params={"set": info.name})
            icon, query = ":material/model_training:", {"data": info.name}
            st.page_link(launching.TRAIN_PAGE, label="Train on it", icon=icon, query_params=query)
        if info.kind != "generated":
            with st.popover("Remove", icon=":material/delete:", type="tertiary"):
                st.markdown(f"Delete **{info.name}** from this machine? Runs trained on it are kept.")
                st.button("Delete it", key=f"delete-{info.name}", on_click=_remove, args=(info.name,))


def _remove(name: str) -> None:
    with mistakes.kept():
        catalog.remove(name)


@st.cache_data(max_entries=50, show_spinner=False)
def _strip(name: str, fingerprint: str) -> Image.Image:
    """Training images side by side."""
    images = [heatmap.enlarge(sample.image, SIDE) for sample in catalog.samples(name, "train", NUM_SAMPLES)]
    strip = Image.new("RGBA", (NUM_SAMPLES * (SIDE + GAP) - GAP, SIDE), (0, 0, 0, 0))
    for place, image in enumerate(images):
        strip.paste(image, (place * (SIDE + GAP), 0))
    return strip
