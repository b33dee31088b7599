"""The choice of a checkpoint: a model, which weights of it, or a file that a person opens."""

import hashlib
import re
import tempfile
from pathlib import Path

import streamlit as st

from pages.shared import models
from vit import files

UPLOAD_KEY, NAME_LENGTH = "checkpoint_file", 60


def choose(names: list[str]) -> str:
    """Draw the choice; an opened file goes before the list. Returns a MODEL, checkpoint included."""
    place = st.container()
    with st.popover("Open a checkpoint file", icon=":material/folder_open:"):
        upload = st.file_uploader(
            "A .safetensors file written by ViT Lab",
            ["safetensors"],
            key=UPLOAD_KEY,
            help="It is only read, with a format that can't carry programs, and stays on this machine.",
        )
    if upload is not None:
        place.code(Path(upload.name).name, language=None)
        return str(kept(upload.name, upload.getvalue()))
    with place:
        return models.select_checkpoint(models.select(names))


def query(model: str) -> dict[str, str] | None:
    """What names a model in the address of another page; None for a file, which only this visit has."""
    name, _, which = model.partition("@")
    if not models.is_known(name):
        return None
    return {"model": name, "checkpoint": which} if which else {"model": name}


def kept(name: str, content: bytes) -> Path:
    """An uploaded checkpoint as a file; the same content always has the same place."""
    folder = Path(_uploads().name) / hashlib.sha256(content).hexdigest()[:16]
    path = folder / (re.sub(r"[^\w.-]", "_", name)[-NAME_LENGTH:].lstrip(".") or "upload")
    if not path.exists():
        files.make_folder(folder)
        files.write_bytes(path, content)
    return path


@st.cache_resource(show_spinner=False)
def _uploads() -> tempfile.TemporaryDirectory:
    """A folder of this server alone, which goes when the server ends."""
    return tempfile.TemporaryDirectory(prefix="vit-lab-")
