"""Downloads and imports that are going on; they go on without this page, too."""

import streamlit as st

from pages.shared import words
from vit import jobs
from vit.jobs import Job

REFRESH_SECONDS = 1
FOLLOWED = "followed_jobs"  # those this visitor has started, and has not yet seen the end of
VERBS = {"fetch": "Getting", "import": "Importing"}


def follow(name: str) -> None:
    """Show how a job ends, even if it has ended before the page is drawn."""
    st.session_state.setdefault(FOLLOWED, []).append(name)


def draw() -> None:
    """One card per job; quiet as soon as nothing is going on."""
    running = [job.name for job in jobs.active("fetch", "import")]
    names = list(dict.fromkeys([*st.session_state.get(FOLLOWED, []), *running]))
    if names:
        st.fragment(_cards, run_every=REFRESH_SECONDS if running else None)(names, running)


def _cards(names: list[str], were_running: list[str]) -> None:
    found = {name: jobs.status(name) for name in names}
    if [name for name in names if found[name] and found[name].state == "running"] != were_running:
        st.rerun()
    for job in filter(None, found.values()):
        if job.state == "running":
            _running(job)
        else:
            _ended(job)


def _running(job: Job) -> None:
    with st.container(border=True, key=f"job-{job.name}"):
        title, cancel = st.columns([6, 1], vertical_alignment="center")
        title.markdown(f"**{VERBS[job.kind]} {job.name}** :gray[{job.message if job.done else ''}]")
        cancel.button("Cancel", key=f"cancel-{job.name}", on_click=jobs.cancel, args=(job.name,), width="stretch")
        st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=line(job))


def line(job: Job) -> str:
    """``12.3 MB of 170 MB · 1.2 MB/s · 2 min 11 s left``."""
    if not job.done:
        return job.message.capitalize() or "Starting"
    if not job.total:
        return _amount(job.done, job.unit)
    parts = [f"{_amount(job.done, job.unit)} of {_amount(job.total, job.unit)}"]
    if job.rate:
        parts += [f"{_amount(job.rate, job.unit)}/s", f"{words.duration((job.total - job.done) / job.rate)} left"]
    return " · ".join(parts)


def _amount(count: float, unit: str) -> str:
    return f"{count / 1e6:,.1f} MB" if unit == "B" else f"{count:,.0f} {unit}"


def _ended(job: Job) -> None:
    """How it ended; stays until it is read."""
    text, dismiss = st.columns([6, 1], vertical_alignment="center")
    with text:
        _message(job)
    with dismiss:
        st.button("Dismiss", key=f"dismiss-{job.name}", on_click=_dismiss, args=(job.name,), width="stretch")


def _message(job: Job) -> None:
    if job.state == "finished":
        st.success(f"**{job.name}** is ready: {job.message}.", icon=":material/check_circle:")
    elif job.state == "failed":
        st.error(job.error or "It failed.", title=f"{job.name} did not come in", icon=":material/error:")
    elif job.state == "interrupted":
        st.warning(f"The work on **{job.name}** ended without a word. Start it again: it goes on where it was.")
    else:
        st.info(f"**{job.name}**: {job.message}.", icon=":material/info:")


def _dismiss(name: str) -> None:
    st.session_state[FOLLOWED] = [other for other in st.session_state[FOLLOWED] if other != name]
