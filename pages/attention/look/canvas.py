"""The canvas: a component that gets all attention once and then answers every movement by itself."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.attention.look import payload
from pages.shared import answers
from pages.shared.answers import Answer

if TYPE_CHECKING:
    from vit.explain.trace import Trace

HERE = Path(__file__).parent
SCRIPTS = ("maps.js", "picture.js", "panel.js", "../words.js", "address.js", "look.js")  # chapters of one module

_mount = st.components.v2.component(
    "vit_lab_attention",
    html=(HERE / "look.html").read_text(),
    css=(HERE / "look.css").read_text(),
    js="\n".join((HERE / name).read_text() for name in SCRIPTS),
)


def draw(model: str, answer: Answer, trace: "Trace", *, key: str) -> None:
    """Draw or update the canvas; it keeps what a person chose on it while the picture or the model changes."""
    _mount(key=key, data=_packed(answers.version(model), answer.picture.id, answer, trace))


@st.cache_resource(max_entries=6, show_spinner=False)
def _packed(version: tuple[str, int], picture_id: str, _answer: Answer, _trace: "Trace") -> bytes:
    return payload.pack(_answer, _trace)
