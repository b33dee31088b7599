"""What can be done with the selected runs, and what a person notes about one."""

import streamlit as st

from pages.runs import deleted, selection
from pages.shared import launching, mistakes
from pages.shared.literal import literal
from pages.train.live.header import BADGES
from vit import text
from vit.runs import archive, keeping
from vit.runs.about import MOST_TAGS, NOTE_LENGTH, write_about
from vit.runs.directory import Run
from vit.runs.summary import Summary


def draw(chosen: list[Summary], runs: list[Summary]) -> None:
    """The selection itself, and what can be done with it: with one run everything, with several deleting."""
    with st.container(horizontal=True, gap="small"):
        selection.draw(runs)
        if len(chosen) > 1:
            _delete(chosen)
    if len(chosen) == 1:
        with st.container(border=True, gap="small", key="selected"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                _one(chosen[0])
                _delete(chosen)
            _about(chosen[0], runs)


def _one(run: Summary) -> None:
    color, icon = BADGES[run.state.state]
    st.markdown(f"**{literal(run.id)}**", width="content")
    st.badge(run.state.state, color=color, icon=icon)  # pyright: ignore[reportArgumentType]
    st.page_link(launching.TRAIN_PAGE, label="Open", icon=":material/open_in_full:", query_params={"run": run.id})
    with st.popover("Rename", icon=":material/edit:", disabled=run.state.is_alive, help=_only_if_ended(run)):
        key = f"name-{run.id}"
        st.text_input("New name", run.id, key=key, max_chars=keeping.ID_LENGTH, help="Such as first-try.")
        st.button("Rename", key=f"rename-{run.id}", on_click=_rename, args=(run.id, key))
    _export(run.id)


def _only_if_ended(run: Summary) -> str | None:
    return f"It is {run.state.state}. Stop it first." if run.state.is_alive else None


def _rename(run_id: str, key: str) -> None:
    with mistakes.kept():
        new = keeping.rename(run_id, st.session_state[key].strip()).id
        selection.choose([new if name == run_id else name for name in selection.names()])


def _export(run_id: str) -> None:
    size = archive.size(Run.find(run_id))
    if size > archive.MOST_AT_ONCE:
        with st.popover("Export", icon=":material/download:"):
            st.markdown(f"{text.size(size)} are too much for a browser. From a shell:")
            st.code(f"python -m vit runs export {run_id} --out {run_id}.tar", language="bash")
        return
    st.download_button(
        "Export",
        lambda: archive.packed(run_id),
        f"{run_id}.tar",
        "application/x-tar",
        icon=":material/download:",
        on_click="ignore",
        help=f"Everything of this run in one file, {text.size(size)}. Import opens it on another machine.",
    )


def _delete(chosen: list[Summary]) -> None:
    alive = next(filter(None, map(_only_if_ended, chosen)), None)
    label = "Delete" if len(chosen) == 1 else f"Delete {len(chosen)}"
    work = {"on_click": deleted.delete, "args": ([run.id for run in chosen],), "disabled": alive is not None}
    st.button(label, key="delete", icon=":material/delete:", help=alive or "This can be undone.", **work)


def _about(run: Summary, runs: list[Summary]) -> None:
    """Note and tags. The keys carry what is on the disk, so that what another tab wrote is shown."""
    note, tags = st.columns([3, 2], gap="small")
    key = f"note-{run.id}-{hash(run.about.note)}"
    look = {"height": 68, "max_chars": NOTE_LENGTH, "placeholder": "What was tried, and what came of it"}
    note.text_area("Note", run.about.note, key=key, on_change=_write, args=(run.id, "note", key), **look)
    known = sorted({tag for other in runs for tag in other.about.tags})
    key = f"tags-{run.id}-{hash(run.about.tags)}"
    look = {"accept_new_options": True, "max_selections": MOST_TAGS, "placeholder": "Choose or type"}
    tags.multiselect("Tags", known, run.about.tags, key=key, on_change=_write, args=(run.id, "tags", key), **look)


def _write(run_id: str, part: str, key: str) -> None:
    with mistakes.kept():
        write_about(run_id, **{part: st.session_state[key]})
