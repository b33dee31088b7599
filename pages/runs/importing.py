"""Making a run of an archive that somebody else, or another machine, has written."""

import shutil
import tempfile
from pathlib import Path

import streamlit as st

from pages.runs import selection
from pages.shared import mistakes
from pages.shared.literal import literal
from vit.runs import archive

KEY, TOLD = "archive", "imported"
MAX_MEGABYTES = 500
HELP = "A file that Export wrote. It becomes a run here, and can be resumed where its data set is on this machine, too."


def popover() -> None:
    """The place to upload an archive."""
    with st.popover("Import", icon=":material/upload:"):
        number = st.session_state.setdefault(f"{KEY}_number", 0)  # another one after each import, so that it is empty
        key = f"{KEY}-{number}"
        look = {"max_upload_size": MAX_MEGABYTES, "help": HELP}
        st.file_uploader("A run as one file", ["tar"], key=key, on_change=_import, args=(key,), **look)


def _import(key: str) -> None:
    upload = st.session_state.get(key)
    if upload is None:
        return
    st.session_state[f"{KEY}_number"] += 1
    with mistakes.kept(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.tar"
        with path.open("wb") as file:
            shutil.copyfileobj(upload, file)
        found = archive.read(path)
        st.session_state[TOLD] = found.words
        selection.choose([found.run.id])


def told() -> None:
    """What became of the upload, once."""
    if TOLD in st.session_state:
        st.success(literal(st.session_state.pop(TOLD)), icon=":material/check_circle:")
