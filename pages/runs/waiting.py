"""The queue: the runs that wait for this machine, their order, and withdrawing one."""

from collections.abc import Callable

import streamlit as st

from pages.shared import launching, mistakes
from pages.shared.literal import literal
from vit import text
from vit.runs import queue

MANY = 6  # from so many on, the list scrolls
HEIGHT = 260  # pixels


def draw() -> None:
    """The waiting runs, the next one first; nothing where none waits."""
    ids = queue.waiting()
    if not ids:
        return
    with st.container(border=True, gap="small", key="queue"):
        st.markdown(f"**Queue** · {text.counted(len(ids), 'run')} waiting", help="The first starts when it has room.")
        with st.container(height=HEIGHT, border=False) if len(ids) >= MANY else st.container(gap="xsmall"):
            for place, run_id in enumerate(ids):
                _line(run_id, place, len(ids))


def _line(run_id: str, place: int, count: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link(launching.TRAIN_PAGE, label=f"{place + 1}. **{literal(run_id)}**", query_params={"run": run_id})
        _button("Up", ":material/arrow_upward:", f"Move {run_id} up", place == 0, queue.move, run_id, place - 1)
        is_last = place == count - 1
        _button("Down", ":material/arrow_downward:", f"Move {run_id} down", is_last, queue.move, run_id, place + 1)
        away = f"Take {run_id} out of the queue; it can be resumed later"
        _button("Withdraw", ":material/close:", away, False, queue.withdraw, run_id)


def _button(label: str, icon: str, words: str, is_disabled: bool, action: Callable[..., None], *arguments) -> None:
    key, click = f"{label.lower()}-{arguments[0]}", {"on_click": _do, "args": (action, *arguments)}
    st.button(label, key=key, icon=icon, help=literal(words), disabled=is_disabled, type="tertiary", **click)


def _do(action: Callable[..., None], *arguments) -> None:
    with mistakes.kept():
        action(*arguments)
