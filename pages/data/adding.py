"""Adding data: CIFAR-10 from the internet or own images. Downloads and imports continue without this page, too."""

import re
from typing import Literal

import streamlit as st

from pages.data import classes
from pages.shared import mistakes
from pages.shared.literal import literal
from vit import files, jobs, paths, text
from vit.data import catalog
from vit.data import jobs as data_jobs
from vit.data.download import REMOTE
from vit.data.importing import Renames
from vit.jobs import Job

ERROR = "import_error"
ARCHIVES = ["zip", "tar", "gz", "tgz", "xz", "txz", "bz2"]
HELP = (
    "A folder or archive with one folder of images per class, with or without `train` and `test` above them; or "
    "CIFAR-10's own archive `cifar-10-python.tar.gz`."
)
REFRESH_SECONDS = 1
FOLLOWED = "followed_jobs"  # those this visitor has started, and has not yet seen the end of
VERBS = {"fetch": "Downloading", "import": "Importing"}
FAILED = {"fetch": "Download failed", "import": "Import failed"}
NAME, PATH, UPLOAD, SIZE = "import.name", "import.path", "import.upload", "import.size"


def draw() -> None:
    """What can be downloaded and is not here yet, and the form for own images."""
    st.subheader("Add data", anchor=False)
    mistakes.told(ERROR)
    missing = REMOTE.keys() - {info.name for info in catalog.list_datasets()}
    left, right = st.columns([2, 3], gap="medium") if missing else (None, st.container())
    if left:
        with left.container(border=True, height="stretch"):
            _fetching(sorted(missing))
    with right.container(border=True, height="stretch"):
        _importing()
    classes.draw(_start_import)


def _fetching(names: list[str]) -> None:
    st.markdown("**From the internet**")
    for name in names:
        st.markdown(f"**{name}**: 60,000 small photos in ten classes, {REMOTE[name].size / 1e6:.0f} MB.")
        st.caption("Tries several mirrors. If interrupted, the download resumes; it is verified when complete.")
        is_busy = name in {job.name for job in jobs.active("fetch", "import")}
        label = f"Download {name.upper().replace('CIFAR', 'CIFAR-')}"
        work = {"on_click": _fetch, "args": (name,), "disabled": is_busy}
        st.button(label, key=f"fetch-{name}", icon=":material/download:", **work)


def _importing() -> None:
    st.markdown("**Your own images, or an archive you already have**", help=HELP)
    st.text_input("Folder or archive on the server", key=PATH, placeholder="~/Downloads/cifar-10-python.tar.gz")
    st.file_uploader("Or upload an archive", ARCHIVES, key=UPLOAD)
    name, size = st.columns(2)
    name.text_input("Name", key=NAME, placeholder="from the file name")
    stored = "Images are stored as squares of this size, unless they all share one small square size already."
    size.number_input("Image size (pixels)", 4, 1024, 128, key=SIZE, help=stored)
    with st.container(horizontal=True):
        st.button("Import", key="import", icon=":material/drive_folder_upload:", on_click=_import)
        words = "See the classes first; rename, merge or drop some."
        st.button("Preview", key="preview", icon=":material/preview:", on_click=_preview, type="tertiary", help=words)


def _fetch(name: str) -> None:
    with mistakes.kept(ERROR):
        _start("fetch", name)


def _import() -> None:
    """Start the import from what the form says."""
    with mistakes.kept(ERROR):
        if (asked := _asked()) is not None:
            _start_import(*asked, {})


def _preview() -> None:
    """Look through what the form names, and write nothing."""
    with mistakes.kept(ERROR):
        if (asked := _asked()) is not None:
            classes.look(*asked)


def _asked() -> tuple[str, str, int] | None:
    """Name, path and image size that the form says; None, and a sentence, if it says nothing."""
    upload, path = st.session_state.get(UPLOAD), (st.session_state.get(PATH) or "").strip()
    if upload is None and not path:
        st.session_state[ERROR] = "Enter a path, or upload an archive."
        return None
    name = (st.session_state.get(NAME) or "").strip() or suggested(upload.name if upload else path)
    if upload is not None:
        path = _keep(upload.name, upload.getvalue())
    return name, path, st.session_state[SIZE]


def _start_import(name: str, path: str, image_size: int, renames: Renames) -> None:
    with mistakes.kept(ERROR):
        _start("import", name, path, image_size, renames)
        classes.close()


def _start(kind: Literal["fetch", "import"], name: str, *options) -> None:
    data_jobs.start(kind, name, *options)
    # How it ends is shown even if that is before the page is drawn.
    st.session_state.setdefault(FOLLOWED, []).append(name)
    st.session_state[PATH] = st.session_state[NAME] = ""


def suggested(path: str) -> str:
    """A data set's name from a file's: ``Cats & Dogs.tar.gz`` becomes ``cats-dogs``."""
    last = re.split(r"[/\\]", path.rstrip("/\\"))[-1].lower()
    stem = re.sub(r"(\.tar)?\.(zip|tar|gz|tgz|xz|txz|bz2)$", "", last)
    return re.sub(r"[^a-z0-9._]+", "-", stem).strip("-._")[:64] or "images"


def _keep(name: str, content: bytes) -> str:
    """Put an upload where the importing process can read it; earlier ones that nobody reads any more go."""
    folder = paths.data_root() / ".uploads"
    files.make_folder(folder)
    if not jobs.active("fetch", "import"):
        for old in folder.iterdir():
            old.unlink()
    target = folder / re.split(r"[/\\]", name)[-1]
    files.write_bytes(target, content)
    return str(target)


def jobs_under_way() -> None:
    """One card per job; quiet as soon as nothing is going on."""
    running = [job.name for job in jobs.active("fetch", "import")]
    names = list(dict.fromkeys([*st.session_state.get(FOLLOWED, []), *running]))
    if names:
        st.fragment(_cards, run_every=REFRESH_SECONDS if running else None)(names, running)


def _cards(names: list[str], were_running: list[str]) -> None:
    found = [job for job in map(jobs.status, names) if job]
    if [job.name for job in found if job.state == "running"] != were_running:
        st.rerun()
    for job in found:
        (_running if job.state == "running" else _ended)(job)


def _running(job: Job) -> None:
    with st.container(border=True, key=f"job-{job.name}"):
        title, cancel = st.columns([6, 1], vertical_alignment="center")
        title.markdown(f"**{VERBS[job.kind]} {job.name}** :gray[{literal(job.message) if job.done else ''}]")
        cancel.button("Cancel", key=f"cancel-{job.name}", on_click=jobs.cancel, args=(job.name,), width="stretch")
        st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=literal(line(job)))


def line(job: Job) -> str:
    """``12.3 MB of 170 MB · 1.2 MB/s · 2 min 11 s left``."""
    if not job.done:
        return job.message.capitalize() or "Starting"
    if not job.total:
        return _amount(job.done, job.unit)
    parts = [f"{_amount(job.done, job.unit)} of {_amount(job.total, job.unit)}"]
    if job.rate:
        parts += [f"{_amount(job.rate, job.unit)}/s", f"{text.duration((job.total - job.done) / job.rate)} left"]
    return " · ".join(parts)


def _amount(count: float, unit: str) -> str:
    return f"{count / 1e6:,.1f} MB" if unit == "B" else f"{count:,.0f} {unit}"


def _ended(job: Job) -> None:
    """How it ended; stays until it is read."""
    message, dismiss = st.columns([6, 1], vertical_alignment="center")
    if job.state == "finished":
        message.success(f"**{job.name}** is ready: {literal(job.message)}.", icon=":material/check_circle:")
    elif job.state == "failed":
        title = f"{job.name}: {FAILED[job.kind]}"
        message.error(literal(job.error or "No reason was recorded."), title=title, icon=":material/error:")
    elif job.state == "interrupted":
        message.warning(f"**{job.name}** was interrupted. Start it again: what was downloaded is kept.")
    else:
        message.info(f"**{job.name}**: {literal(job.message)}.", icon=":material/info:")
    dismiss.button("Dismiss", key=f"dismiss-{job.name}", on_click=_dismiss, args=(job.name,), width="stretch")


def _dismiss(name: str) -> None:
    st.session_state[FOLLOWED] = [other for other in st.session_state[FOLLOWED] if other != name]
