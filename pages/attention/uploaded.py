"""A checkpoint from a file: looked into like any other model, as long as this server's temporary files last."""

import hashlib
import tempfile
from pathlib import Path

import streamlit as st

from vit import files

KEY = "checkpoint_file"
NAME_LENGTH = 60


def choose() -> str | None:
    """Draw the way to open a file; returns it as a MODEL once there is one."""
    with st.popover("Open a checkpoint file", icon=":material/folder_open:"):
        upload = st.file_uploader(
            "A .safetensors file written by ViT Lab",
            ["safetensors"],
            key=KEY,
            help="It is only read, with a format that can't carry programs, and stays on this machine.",
        )
    return None if upload is None else str(kept(upload.name, upload.getvalue()))


def kept(name: str, content: bytes) -> Path:
    """The upload as a file; the same content always has the same place."""
    folder = Path(tempfile.gettempdir()) / "vit-lab-uploads" / hashlib.sha256(content).hexdigest()[:16]
    path = folder / name.replace("\\", "/").rsplit("/", 1)[-1][-NAME_LENGTH:]
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        files.write_bytes(path, content)
    return path
