"""Where the pictures come from: samples, files or the camera."""

import hashlib

import streamlit as st

from pages.shared import picture_picker, pictures
from pages.shared.pictures import Picture
from vit import images

EXTENSIONS = ["png", "jpg", "jpeg", "webp", "bmp", "gif"]
MAX_MEGABYTES = 100
TABS = ["Samples", "Upload", "Camera"]


def choose(classes: tuple[str, ...], *, several: bool = True) -> list[Picture]:
    """The pictures to ask about: those of the tab that is open; ``several`` allows more than one upload."""
    tabs = st.tabs(TABS, key="from", on_change="rerun", bind="query-params")
    chosen = dict(zip(TABS, ([], [], []), strict=True))
    with tabs[0]:
        chosen["Samples"] = _sample(classes)
    with tabs[1]:
        chosen["Upload"] = _uploaded(several)
    if tabs[2].open:  # a camera that nobody asked for should stay off
        with tabs[2]:
            chosen["Camera"] = _photo()
    return next((chosen[name] for name, tab in zip(TABS, tabs, strict=True) if tab.open), [])


def _sample(classes: tuple[str, ...]) -> list[Picture]:
    draw = st.session_state.setdefault("draw", 0)
    wanted = st.query_params.get("picture")
    offered = pictures.offered(classes, draw, also=wanted)
    if not offered:
        st.markdown("There are no sample pictures of this model's classes. Upload one of your own.")
        return []
    first = wanted if wanted in offered else next(iter(offered))
    chosen = picture_picker.pick("Sample pictures", list(offered.values()), key="samples", selected=first)
    st.query_params["picture"] = chosen
    if any(pictures.is_drawn(name) for name in offered):
        st.button("Other test pictures", icon=":material/shuffle:", type="tertiary", on_click=_draw_others)
    return [pictures.find(chosen)]


def _draw_others() -> None:
    st.session_state["draw"] += 1


def _uploaded(several: bool) -> list[Picture]:
    uploads = st.file_uploader(
        "Pictures of any size, one or many" if several else "A picture of any size",
        EXTENSIONS,
        accept_multiple_files=several,
        key="uploads",
        max_upload_size=MAX_MEGABYTES,
        help=f"{images.FORMAT_WORDS}, up to {images.MAX_PIXELS // 10**6} megapixels. They stay on this machine.",
    )
    uploads = uploads if several else filter(None, [uploads])
    return [_picture(upload.name, upload.getvalue()) for upload in uploads]


def _photo() -> list[Picture]:
    photo = st.camera_input("Take a picture", key="photo")
    return [_picture("photo.jpg", photo.getvalue())] if photo else []


def _picture(name: str, data: bytes) -> Picture:
    return Picture(hashlib.sha256(data).hexdigest(), name, lambda: images.decode(data, name))
