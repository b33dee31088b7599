"""Weights of timm as a start: a file is opened, kept, and chosen; what did not fit is told."""

import streamlit as st

from pages.shared import models, server
from pages.shared.literal import literal
from pages.train.form import state
from vit.errors import CheckpointError

UPLOAD, ERROR = "form.weights", "form.weights.error"
MAX_MEGABYTES = 1500


def menu() -> None:
    """A button that opens a file of weights."""
    with st.popover("Weights of timm", icon=":material/upload_file:", type="tertiary"):
        st.file_uploader(
            "Weights of a Vision Transformer of timm",
            ["safetensors", "pt", "pth", "bin"],
            key=UPLOAD,
            on_change=_open,
            max_upload_size=MAX_MEGABYTES,
            help="A state dict with timm's names. Only tensors are read, never a program. It is kept on this machine.",
        )
        if st.session_state.get(ERROR):
            st.error(st.session_state[ERROR])


def notes() -> None:
    """What of the chosen start did not fit."""
    start = st.session_state[state.START]
    found = models.info(start).data.get("notes") if start else None
    for note in found if isinstance(found, list) else []:
        st.caption(f":material/info: {literal(note[:1].upper() + note[1:])}.")


def _open() -> None:
    """Keep the file as a checkpoint and start from it."""
    st.session_state.pop(ERROR, None)
    upload = st.session_state[UPLOAD]
    if upload is None:
        return
    from vit.weights import adopt  # brings torch

    server.settle("torch")
    try:
        adopted = adopt(upload.name, upload.getvalue())
    except CheckpointError as error:
        st.session_state[ERROR] = literal(error)
        return
    st.session_state[state.START] = str(adopted.path)
    state.follow()
