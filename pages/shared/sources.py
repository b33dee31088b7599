"""Where the images come from: samples, files, the camera, or a folder of this machine."""

import hashlib
import os
from pathlib import Path

import streamlit as st

from pages.shared import image_picker, input_images, mistakes, paste
from pages.shared.input_images import InputImage
from pages.shared.literal import literal
from vit import bombs, images, many
from vit.models import ModelInfo

EXTENSIONS = ["png", "jpg", "jpeg", "webp", "bmp", "gif"]
MAX_MEGABYTES = 100
SHOWN = "image_shown"


def choose(info: ModelInfo, *, several: bool = True) -> list[InputImage]:
    """The images to ask about: those of the tab that is open; ``several`` allows many uploads, and a folder."""
    names = ["Samples", "Upload", "Camera", *(["Folder"] if several else [])]
    tabs = st.tabs(names, key="from", on_change="rerun", bind="query-params")
    with tabs[0]:
        sample = _sample(info) if tabs[0].open else []  # an upload would wait for thumbnails that nobody sees
    with tabs[1]:
        uploaded = _uploaded(several)
        if tabs[1].open:
            paste.listen()
    with tabs[2]:
        photo = _photo() if tabs[2].open else []  # a camera that nobody asked for should stay off
    found = [sample, uploaded, photo]
    if several:
        with tabs[3]:
            found.append(_in_folder() if tabs[3].open else [])  # a folder that nobody asked for isn't read
    return next((images for images, tab in zip(found, tabs, strict=True) if tab.open), [])


def link(page: str, icon: str, model: str, image: InputImage) -> None:
    """A link to another page, such as "attention", that shows the same image to the same model."""
    name, _, checkpoint = model.partition("@")
    query = {"model": name, "image": image.id} | ({"checkpoint": checkpoint} if checkpoint else {})
    st.page_link(f"pages/{page}/page.py", label=f"Open in {page.title()}", icon=icon, query_params=query)


def _sample(info: ModelInfo) -> list[InputImage]:
    draw = st.session_state.setdefault("draw", 0)
    wanted = st.query_params.get("image")
    offered = input_images.offered(info, draw, also=wanted)
    if not offered:
        st.markdown(
            f"None of the samples shows one of this model's classes, and its data set "
            f"({literal(info.data.get('name', 'unknown'))}) is not on this machine. Upload an image of your own."
        )
        return []
    first = wanted if wanted in offered else next(iter(offered))
    chosen = image_picker.pick("Sample images", list(offered.values()), key="samples", selected=first)
    is_link = wanted not in (None, *offered, st.session_state.get(SHOWN))  # not what an earlier model was shown
    mistakes.missing("image", wanted if is_link else None, offered[chosen].label)
    st.session_state[SHOWN] = chosen
    if wanted != chosen:  # a needless write could come after a click on Forward, and undo it
        st.query_params["image"] = chosen
    if any(input_images.is_drawn(name) for name in offered):
        st.button("Other images", icon=":material/shuffle:", type="tertiary", on_click=_draw_others)
    return [input_images.find(chosen)]


def _draw_others() -> None:
    st.session_state["draw"] += 1


def _uploaded(several: bool) -> list[InputImage]:
    uploads = st.file_uploader(
        "Images of any size, one or many: choose, drop or paste them"
        if several
        else "An image: choose, drop or paste it",
        EXTENSIONS,
        accept_multiple_files=several,
        key="uploads",
        max_upload_size=MAX_MEGABYTES,
        help=f"{images.FORMAT_WORDS}, up to {bombs.MAX_PIXELS // 10**6} megapixels (WebP and colors of 16 bits: "
        f"{bombs.MAX_HEAVY_PIXELS // 10**6}). They stay on this machine.",
    )
    listed = uploads if isinstance(uploads, list) else [uploads] if uploads else []
    return input_images.keep_uploads([_image(upload.name, upload.getvalue()) for upload in listed])


def _photo() -> list[InputImage]:
    photo = st.camera_input("Take a photo", key="photo")
    return input_images.keep_uploads([_image("photo.jpg", photo.getvalue())] if photo else [])


def _in_folder() -> list[InputImage]:
    """The images of a folder on the machine that runs the app, those of its sub-folders, too."""
    typed = st.text_input(
        "Folder on the machine that runs ViT Lab", key="folder", bind="query-params", placeholder="~/Pictures/holiday"
    ).strip()
    if not typed:
        st.caption(f"The images in it and in its sub-folders, at most {many.MOST:,}, are predicted where they are.")
        return []
    folder = Path(typed).expanduser()
    with mistakes.shown():
        found = many.find(folder)
        if found.total > len(found.paths):
            st.caption(f"The first {len(found.paths):,} of {found.total:,} images, in the order of their names.")
        return input_images.keep_uploads([_file(folder, path) for path in found.paths])
    return []


def _file(folder: Path, path: Path) -> InputImage:
    place = folder / path
    known = place.stat()
    words = f"{place.absolute()} {known.st_mtime_ns} {known.st_size}"
    image_id = f"{input_images.UPLOAD}:{hashlib.sha256(os.fsencode(words)).hexdigest()}"
    name = os.fsencode(path.as_posix()).decode(errors="replace")  # not every name on a disk is text
    return InputImage(image_id, name, lambda: images.read(place))


def _image(name: str, data: bytes) -> InputImage:
    image_id = f"{input_images.UPLOAD}:{hashlib.sha256(data).hexdigest()}"
    return InputImage(image_id, name, lambda: images.decode(data, name))
