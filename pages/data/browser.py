"""The images of a data set by split and class, a page at a time; split, class, page and image are in the address."""

import streamlit as st

from pages.shared import image_picker, mistakes, models, sources
from pages.shared.image_picker import Choice
from pages.shared.inline import data_url
from pages.shared.input_images import InputImage, find
from pages.shared.literal import literal
from vit import text
from vit.data import browsing, catalog
from vit.data.store import DatasetInfo
from vit.errors import VitError
from vit.plots import heatmap

ALL = "All classes"
SPLIT, CLASS, NUMBER, IMAGE = "split", "class", "page", "image"
SIDE = 128  # pixels of the image that was chosen
ICONS = {"predict": ":material/image_search:", "attention": ":material/center_focus_strong:"}


def draw(info: DatasetInfo) -> None:
    """The browser; a fragment, so that turning a page draws nothing around it anew."""
    st.fragment(_browse)(info)


def _browse(info: DatasetInfo) -> None:
    with mistakes.shown():
        split, found = _filtered(info)
        linked = _linked(info, split)
        number = _page(found, linked)
        place = st.container(border=True, key="image-chosen")
        indices = browsing.on_page(found, number)
        choices = _choices(info.name, info.fingerprint, split, tuple(indices))
        picked = image_picker.pick(
            f"Images of {info.name}", choices, key=f"picked-{split}", selected=linked or "", is_sheet=True
        )
        with place:
            _chosen(picked)


def _filtered(info: DatasetInfo):
    """Let a person choose split and class; the split, and the places of its images of that class."""
    with st.container(horizontal=True, vertical_alignment="top"):
        bound = {"on_change": _first_page, "bind": "query-params"}
        split = st.segmented_control("Split", list(info.counts), key=SPLIT, default="train", required=True, **bound)
        name = st.selectbox("Class", [ALL, *info.classes], key=CLASS, width=260, **bound)
        labels = catalog.labels_of(info.name, split)
        found = browsing.places(labels, None if name == ALL else info.classes.index(name))
    st.caption(f"{text.counted(len(found), 'image')} of {len(labels):,}")
    return split, found


def _first_page() -> None:
    st.session_state[NUMBER] = 1
    st.query_params.pop(IMAGE, None)


def _linked(info: DatasetInfo, split: str) -> str | None:
    """The image in the address, if it is one of this split."""
    wanted = st.query_params.get(IMAGE, "")
    return wanted if browsing.index_of(info, split, wanted) is not None else None


def _page(found, linked: str | None) -> int:
    """The page to show; a link that names an image and no page shows the image's."""
    if linked and NUMBER not in st.query_params and NUMBER not in st.session_state:
        st.session_state[NUMBER] = browsing.page_of(found, int(linked.rpartition(":")[2]))
    return st.pagination(browsing.num_pages(len(found)), key=NUMBER, bind="query-params")


def _chosen(image_id: str) -> None:
    """The image in large, and where it can be opened; the place has the same height without one."""
    with st.container(horizontal=True, vertical_alignment="center", height=SIDE + 4, border=False):
        if not image_id:
            st.caption("Choose an image to see it in large, and to open it in Predict or Attention.")
            return
        if st.query_params.get(IMAGE) != image_id:
            st.query_params[IMAGE] = image_id
        image = find(image_id)
        st.image(data_url(heatmap.enlarge(image.read().image, SIDE)), width=SIDE, alt=image.name)
        with st.container(gap="xxsmall"):
            st.markdown(f"**{literal(image.label)}**")
            st.caption(literal(image.name))
            _links(image)


def _links(image: InputImage) -> None:
    """Ways to show it to a model that knows its class."""
    model = next((name for name in models.names() if image.label in _classes(name)), None)
    if model is None:
        st.caption("No model here knows this class yet.")
        return
    with st.container(horizontal=True):
        for page, icon in ICONS.items():
            sources.link(page, icon, model, image)


def _classes(model: str) -> tuple[str, ...]:
    try:
        return models.info(model).classes
    except VitError:  # a damaged file is told where it is chosen
        return ()


@st.cache_data(max_entries=50, show_spinner=False)
def _choices(name: str, fingerprint: str, split: str, indices: tuple[int, ...]) -> list[Choice]:
    """One page; neighbors that a person comes back to are remembered."""
    found = catalog.load_images(name, split, list(indices))
    return [image_picker.small(f"{name}:{split}:{one.index}", one.class_name, one.image) for one in found]
