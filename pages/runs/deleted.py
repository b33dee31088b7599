"""Deleting runs, taking that back at once, and the place where deleted runs stay until somebody empties it."""

import streamlit as st

from pages.runs import selection
from pages.shared import mistakes
from pages.shared.literal import literal
from vit import text
from vit.runs import keeping

JUST_NOW = "just_deleted"  # keys of what this visitor deleted last


def delete(run_ids: list[str]) -> None:
    """Move runs to the deleted ones, and offer to take it back."""
    done: list[keeping.Deleted] = []
    with mistakes.kept():
        for run_id in run_ids:
            done.append(keeping.delete(run_id))
    st.session_state[JUST_NOW] = done
    gone = {entry.id for entry in done}
    selection.choose([name for name in selection.names() if name not in gone])


def undo() -> None:
    """The way back, until it is taken or dismissed."""
    entries = st.session_state.get(JUST_NOW)
    if not entries:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="undo"):
        what = f"**{literal(entries[0].id)}**" if len(entries) == 1 else text.counted(len(entries), "run")
        st.markdown(f":material/delete: Deleted {what}.", width="content")
        keys = [entry.key for entry in entries]
        st.button("Undo", key="undo_delete", icon=":material/undo:", on_click=_restore, args=(keys,))
        st.button("Dismiss", key="dismiss_undo", type="tertiary", on_click=st.session_state.pop, args=(JUST_NOW, None))


def draw() -> None:
    """The deleted runs, read once the place is opened."""
    entries = keeping.deleted()
    if not entries:
        return
    label = f"Recently deleted ({len(entries)})"
    with st.expander(label, key="deleted_runs", icon=":material/delete:", on_change="rerun") as place:
        if place.open:
            for entry in entries:
                _line(entry)
            _emptying(entries)


def _line(entry: keeping.Deleted) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words = f"**{literal(entry.id)}** · deleted {text.clock(entry.time)} · {text.size(entry.size())}"
        st.markdown(words, width="content")
        back = {"icon": ":material/undo:", "on_click": _restore, "args": ([entry.key],)}
        st.button("Restore", key=f"restore-{entry.key}", type="tertiary", **back)


def _emptying(entries: list[keeping.Deleted]) -> None:
    with st.popover("Delete all of them for good", icon=":material/delete_forever:", type="tertiary"):
        st.markdown(f"{text.counted(len(entries), 'run')}, with their checkpoints. This can't be undone.")
        keys = [entry.key for entry in entries]
        st.button("Delete for good", key="erase", on_click=_erase, args=(keys,))


def _restore(keys: list[str]) -> None:
    st.session_state.pop(JUST_NOW, None)
    with mistakes.kept():
        back = [keeping.restore(key).id for key in keys]
        selection.choose([*selection.names(), *back])


def _erase(keys: list[str]) -> None:
    st.session_state.pop(JUST_NOW, None)
    with mistakes.kept():
        keeping.erase(keys)
