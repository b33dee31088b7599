"""What there is to work with: the device, the data sets, and how long training may take."""

import streamlit as st

from pages.shared import datasets, launching
from vit import devices, expectation, presets, text
from vit.data import catalog
from vit.data.store import DatasetInfo
from vit.presets import Preset

CIFAR10 = "cifar10"


def card() -> None:
    """The machine and its data, with the way to more."""
    st.subheader("Your machine", anchor=False)
    hardware = devices.describe()
    st.markdown(f":material/memory: **{hardware.label}** · {hardware.memory_bytes / 1e9:.0f} GB memory")
    known = catalog.list_datasets()
    for info in known:
        st.markdown(_line(info))
    st.subheader("Train for", anchor=False)
    with st.container(gap="xsmall"):
        for name in presets.offered(hardware.device):
            _preset_link(presets.PRESETS[name])
    st.space("stretch")
    has_cifar10 = any(CIFAR10 in info.name for info in known)
    label = "Manage data" if has_cifar10 else "Download CIFAR-10 or import your own images"
    st.page_link("pages/data/page.py", label=label, icon=":material/add_photo_alternate:")


def _line(info: DatasetInfo) -> str:
    if info.problem:
        return f":material/error: **{info.name}** · {info.problem}"
    origin = "built in, " if info.kind == "generated" else ""
    images = text.counted(sum(info.counts.values()), "image")
    return f":material/photo_library: **{info.name}** · {origin}{images}, {len(info.classes)} classes"


def _preset_link(preset: Preset) -> None:
    title, purpose = st.columns([2, 5], vertical_alignment="top")
    title.page_link(
        launching.TRAIN_PAGE,
        label=f"**{preset.title}**",
        query_params={"preset": preset.name},
        help=(preset.measured or None) if expectation.is_cifar10(datasets.preferred()) else None,
    )
    purpose.caption(preset.purpose)
