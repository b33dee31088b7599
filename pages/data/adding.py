"""Getting more data: CIFAR-10 from the internet, or what a person already has."""

import re

import streamlit as st

from pages.data import progress
from vit import files, jobs, paths
from vit.data import catalog
from vit.data import jobs as data_jobs
from vit.data.download import REMOTE
from vit.errors import VitError

ERROR = "import_error"
ARCHIVES = ["zip", "tar", "gz", "tgz", "xz", "txz", "bz2"]
HELP = (
    "A folder or archive with one folder of pictures per class, with or without `train` and `test` above them; or "
    "CIFAR-10's own archive `cifar-10-python.tar.gz`."
)
NAME, PATH, UPLOAD, SIZE = "import.name", "import.path", "import.upload", "import.size"


def draw() -> None:
    """What can be fetched, and the form for one's own pictures."""
    st.subheader("Add data", anchor=False)
    if ERROR in st.session_state:
        st.error(st.session_state.pop(ERROR))
    left, right = st.columns([2, 3], gap="medium")
    with left.container(border=True, height="stretch"):
        _fetching()
    with right.container(border=True, height="stretch"):
        _importing()


def _fetching() -> None:
    st.markdown("**From the internet**")
    here = {info.name for info in catalog.listing()}
    for name, remote in REMOTE.items():
        if name in here:
            st.markdown(f":material/check_circle: **{name}** is here.")
            continue
        st.markdown(f"**{name}**: 60,000 small photographs in ten classes, {remote.size / 1e6:.0f} MB.")
        st.caption("Several mirrors in turn; what was downloaded is kept if it breaks off, and checked when complete.")
        is_busy = name in {job.name for job in jobs.active("fetch", "import")}
        label = f"Get {name.upper().replace('CIFAR', 'CIFAR-')}"
        st.button(
            label, key=f"fetch-{name}", icon=":material/download:", on_click=_fetch, args=(name,), disabled=is_busy
        )


def _fetch(name: str) -> None:
    _start("fetch", name)


def _importing() -> None:
    st.markdown("**Your own pictures, or an archive you already have**", help=HELP)
    st.text_input("Folder or archive on this machine", key=PATH, placeholder="~/Downloads/cifar-10-python.tar.gz")
    st.file_uploader("or an archive from this computer", ARCHIVES, key=UPLOAD)
    name, size = st.columns(2)
    name.text_input("Call it", key=NAME, placeholder="taken from the file")
    size.number_input(
        "Stored size in pixels",
        4,
        1024,
        128,
        key=SIZE,
        help="Pictures are stored as squares of this side, unless they all share one small square size already.",
    )
    st.button("Import", key="import", icon=":material/drive_folder_upload:", on_click=_import)


def _import() -> None:
    """Start the import from what the form says."""
    upload, path = st.session_state.get(UPLOAD), (st.session_state.get(PATH) or "").strip()
    if upload is None and not path:
        st.session_state[ERROR] = "Say where the pictures are: a path on this machine, or an uploaded archive."
        return
    name = (st.session_state.get(NAME) or "").strip() or suggested(upload.name if upload else path)
    if upload is not None:
        path = _keep(upload.name, upload.getvalue())
    _start("import", name, path, st.session_state[SIZE])


def _start(kind: str, name: str, path: str | None = None, image_size: int | None = None) -> None:
    try:
        data_jobs.start(kind, name, path, image_size)
    except VitError as error:
        st.session_state[ERROR] = str(error)
    else:
        progress.follow(name)
        st.session_state[PATH] = st.session_state[NAME] = ""


def suggested(path: str) -> str:
    """A data set's name from a file's: ``Cats & Dogs.tar.gz`` becomes ``cats-dogs``."""
    last = re.split(r"[/\\]", path.rstrip("/\\"))[-1].lower()
    stem = re.sub(r"(\.tar)?\.(zip|tar|gz|tgz|xz|txz|bz2)$", "", last)
    return re.sub(r"[^a-z0-9._]+", "-", stem).strip("-._")[:64] or "pictures"


def _keep(name: str, content: bytes) -> str:
    """Put an upload where the importing process can read it; earlier ones that nobody reads any more go."""
    folder = paths.data_root() / ".uploads"
    folder.mkdir(parents=True, exist_ok=True)
    if not jobs.active("fetch", "import"):
        for old in folder.iterdir():
            old.unlink()
    target = folder / re.split(r"[/\\]", name)[-1]
    files.write_bytes(target, content)
    return str(target)
