"""One training image through the augmentation of a preset; image and preset are in the address."""

import streamlit as st

from pages.shared import augmented, image_picker, launching, mistakes
from vit import devices, presets
from vit.config import AugmentConfig, ModelConfig
from vit.data import browsing, catalog
from vit.data.store import DatasetInfo

PRESET, IMAGE = "preset", "image"
NUM_OFFERED = 10  # images to choose from
EXPLAINED = (
    "In every epoch, training sees each image a little differently, so that the model can't learn the pixels by heart."
)


def draw(info: DatasetInfo) -> None:
    """Preset and image on top; what training makes of them below."""
    st.caption(EXPLAINED)
    name = _preset(info)
    index = _image(info)
    raw = presets.build(name)
    settings, model = AugmentConfig.model_validate(raw["augment"]), ModelConfig.model_validate(raw["model"])
    with mistakes.shown():
        augmented.draw(info.name, index, model.image_size, model.in_channels, settings)


def _preset(info: DatasetInfo) -> str:
    """The preset whose augmentation is shown; on Train its settings can be changed."""
    device = devices.describe().device
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.segmented_control(
            "Augmentation of the preset",
            presets.offered(device),
            default=presets.default(device),
            required=True,
            format_func=lambda name: presets.PRESETS[name].title,
            key=PRESET,
            bind="query-params",
        )
        icon, query = ":material/tune:", {"data": info.name, "preset": name}
        st.page_link(launching.TRAIN_PAGE, label="Change it on Train", icon=icon, query_params=query)
    return name


def _image(info: DatasetInfo) -> int:
    """The place in train of the image that was chosen here, or in the browser."""
    wanted = st.query_params.get(IMAGE, "")
    linked = browsing.index_of(info, "train", wanted)
    drawn = [one.index for one in catalog.samples(info.name, "train", NUM_OFFERED)]
    indices = drawn if linked is None or linked in drawn else [linked, *drawn[:-1]]
    choices = _choices(info.name, info.fingerprint, tuple(indices))
    first = choices[0].id if linked is None else wanted
    chosen = image_picker.pick(f"Images of {info.name}", choices, key="augmented", selected=first)
    if chosen != first:
        st.query_params[IMAGE] = chosen
    return int(chosen.rpartition(":")[2])


@st.cache_data(max_entries=20, show_spinner=False)
def _choices(name: str, fingerprint: str, indices: tuple[int, ...]) -> list[image_picker.Choice]:
    found = catalog.load_images(name, "train", list(indices))
    return [image_picker.choice(f"{name}:train:{one.index}", one.class_name, one.image) for one in found]
