"""Where the images come from: samples, files or the camera."""

import hashlib

import streamlit as st

from pages.shared import mistakes, picture_picker, pictures
from pages.shared.pictures import Picture
from vit import images
from vit.models import ModelInfo

EXTENSIONS = ["png", "jpg", "jpeg", "webp", "bmp", "gif"]
MAX_MEGABYTES = 100
SHOWN = "picture_shown"
TABS = ["Samples", "Upload", "Camera"]


def choose(info: ModelInfo, *, several: bool = True) -> list[Picture]:
    """The images to ask about: those of the tab that is open; ``several`` allows more than one upload."""
    tabs = st.tabs(TABS, key="from", on_change="rerun", bind="query-params")
    chosen = dict(zip(TABS, ([], [], []), strict=True))
    with tabs[0]:
        chosen["Samples"] = _sample(info)
    with tabs[1]:
        chosen["Upload"] = _uploaded(several)
    if tabs[2].open:  # a camera that nobody asked for should stay off
        with tabs[2]:
            chosen["Camera"] = _photo()
    return next((chosen[name] for name, tab in zip(TABS, tabs, strict=True) if tab.open), [])


def link(page: str, label: str, icon: str, model: str, picture: Picture) -> None:
    """A link to another page that shows the same image to the same model."""
    st.page_link(page, label=label, icon=icon, query_params={"model": model, "picture": picture.id})


def _sample(info: ModelInfo) -> list[Picture]:
    draw = st.session_state.setdefault("draw", 0)
    wanted = st.query_params.get("picture")
    offered = pictures.offered(info, draw, also=wanted)
    if not offered:
        st.markdown(
            f"None of the samples shows one of this model's classes, and its data set "
            f"({info.data.get('name', 'unknown')}) is not on this machine. Upload an image of your own."
        )
        return []
    first = wanted if wanted in offered else next(iter(offered))
    chosen = picture_picker.pick("Sample images", list(offered.values()), key="samples", selected=first)
    is_link = wanted not in (None, *offered, st.session_state.get(SHOWN))  # not what an earlier model was shown
    mistakes.missing("image", wanted if is_link else None, offered[chosen].label)
    st.query_params["picture"] = st.session_state[SHOWN] = chosen
    if any(pictures.is_drawn(name) for name in offered):
        st.button("Other images", icon=":material/shuffle:", type="tertiary", on_click=_draw_others)
    return [pictures.find(chosen)]


def _draw_others() -> None:
    st.session_state["draw"] += 1


def _uploaded(several: bool) -> list[Picture]:
    uploads = st.file_uploader(
        "Images of any size, one or many" if several else "An image of any size",
        EXTENSIONS,
        accept_multiple_files=several,
        key="uploads",
        max_upload_size=MAX_MEGABYTES,
        help=f"{images.FORMAT_WORDS}, up to {images.MAX_PIXELS // 10**6} megapixels. They stay on this machine.",
    )
    listed = uploads if isinstance(uploads, list) else [uploads] if uploads else []
    found = [_picture(upload.name, upload.getvalue()) for upload in listed]
    if len(found) == 1:
        pictures.keep_upload(found[0])
    return found


def _photo() -> list[Picture]:
    photo = st.camera_input("Take a photo", key="photo")
    if not photo:
        return []
    picture = _picture("photo.jpg", photo.getvalue())
    pictures.keep_upload(picture)
    return [picture]


def _picture(name: str, data: bytes) -> Picture:
    return Picture(f"{pictures.UPLOAD}:{hashlib.sha256(data).hexdigest()}", name, lambda: images.decode(data, name))
