"""An assignment on the form: opened from a file, its settings locked; or made of what the form says."""

import streamlit as st

from pages.shared.literal import literal
from pages.train.form import settings, state
from vit import assignment, text
from vit.assignment import Assignment
from vit.errors import ConfigError, Problem

OPEN, UPLOAD, ERROR = "form.assignment", "form.assignment.file", "form.assignment.error"
KILOBYTES = assignment.MAX_BYTES // 1000


def current() -> Assignment | None:
    """The assignment that is open in this visit."""
    return st.session_state.get(OPEN)


def locked() -> tuple[str, ...]:
    """The settings that nobody may change."""
    found = current()
    return tuple(found.locked) if found else ()


def problems(raw: dict) -> list[Problem]:
    """Locked settings that a link or a preset has changed."""
    found = current()
    if found is None:
        return []
    now = {name: (raw[name.partition(".")[0]] or {}).get(name.partition(".")[2]) for name in found.locked}
    return [
        Problem(name, value, f"the assignment says {found.locked[name]}", found.locked[name])
        for name, value in now.items()
        if value != found.locked[name]
    ]


def menu() -> None:
    """A button that opens an assignment, or makes one."""
    with st.popover("Assignment", icon=":material/assignment:"):
        st.file_uploader(
            "Open an assignment",
            ["json"],
            key=UPLOAD,
            on_change=_open,
            max_upload_size=1,
            help="A file that a teacher hands out: it fills the form and locks some settings.",
        )
        if st.session_state.get(ERROR):
            st.error(st.session_state[ERROR])
        st.markdown("**Or make one** of what the form says now")
        _making()


def banner() -> None:
    """What is to be done."""
    found = current()
    if found is None:
        return
    with st.container(border=True, key="assignment"):
        st.markdown(f"**{literal(found.title)}**")
        if found.task:
            st.markdown(literal(found.task))
        goal = f"Goal: val accuracy of at least {text.percent(found.goal)}. " if found.goal is not None else ""
        time = f"Time: at most {found.minutes:g} minutes of training. " if found.minutes is not None else ""
        hand_in = "Hand in the run's whole archive, from its Download menu."
        st.caption(f"{goal}{time}{text.counted(len(found.locked), 'setting')} locked. {hand_in}")
        st.button("Close the assignment", on_click=_close, type="tertiary")


def _open() -> None:
    """Fill the form from the chosen file."""
    st.session_state.pop(ERROR, None)
    upload = st.session_state[UPLOAD]
    if upload is None:
        return
    try:
        found = assignment.read(upload.getvalue())
    except ConfigError as error:
        st.session_state[ERROR] = literal(error)
        return
    st.session_state[OPEN] = found
    state.fill(found.preset, found.locked)


def _close() -> None:
    st.session_state.pop(OPEN, None)


def _making() -> None:
    title = st.text_input("Title", max_chars=120, key="assignment.title", placeholder="What patches are worth")
    task = st.text_area("Task", max_chars=4000, key="assignment.task", height=100)
    raw = state.raw()
    chosen = st.multiselect("Locked settings", _lockable(raw), state.changed(), format_func=settings.label)
    goal = st.number_input("Goal: val accuracy (%)", 0.0, 100.0, 0.0, help="0 is none.")
    minutes = st.number_input("At most so many minutes of training", 0.0, 100_000.0, 0.0, help="0 is no limit.")
    values = {name: raw[name.partition(".")[0]][name.partition(".")[2]] for name in chosen}
    made = Assignment(
        title=title or "Assignment",
        task=task,
        preset=st.session_state[state.PRESET],
        locked=values,
        minutes=minutes or None,
        goal=goal / 100 or None,
    )
    st.download_button("Download", made.encode(), "assignment.json", icon=":material/download:", on_click="ignore")


def _lockable(raw: dict) -> list[str]:
    """The settings that have a value, the length among them."""
    lengths = [name for name in settings.LENGTH_FIELDS if raw["train"][name.partition(".")[2]] is not None]
    return [*lengths, *state.SETTINGS]
