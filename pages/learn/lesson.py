"""What a chapter is made of: prose, a formula with its shapes and source lines, a question, something to try."""

import base64
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import component, visitor
from vit.learn import progress
from vit.learn.source import source_of

if TYPE_CHECKING:
    from torch import Tensor

PROSE_WIDTH = 720  # pixels; longer lines are hard to read
THEMES = {name: st.get_option(f"theme.{name}.chartCategoricalColors") for name in ("light", "dark")}

_parts = component.register("vit_lab_parts", Path(__file__).with_name("parts.js"))


@dataclass(frozen=True)
class Part:
    """A symbol of a formula: what it is, its shape in letters and in numbers, and a text of the lines that make it."""

    symbol: str  # LaTeX
    meaning: str
    shape: str = ""
    size: str = ""
    code: str = ""


def prose(words: str) -> None:
    """A few short paragraphs, in lines that are not too long."""
    st.markdown(words, width=PROSE_WIDTH)


def formula(key: str, latex: str, parts: dict[str, Part], source: object) -> None:
    """A formula, and below it the shapes of its symbols beside the source lines that compute it.

    Whoever points at a symbol, a shape or a line sees the other two light up.

    Args:
        key: Of the component.
        latex: The formula, in which ``<name>`` stands for the symbol of the part with that name.
        parts: The symbols by name, at most six.
        source: The class, method or function whose lines are shown.
    """
    colors = dict(zip(parts, THEMES[st.context.theme.type or "light"], strict=False))
    for name, part in parts.items():
        latex = latex.replace(f"<{name}>", rf"\textcolor{{{colors[name]}}}{{{part.symbol}}}")
    code = source_of(source)
    rows = [asdict(part) | {"color": colors[name], "lines": _lines(code, part)} for name, part in parts.items()]
    with st.container(border=True, key=f"formula-{key}"):
        st.latex(latex)
        where = f"{code.path}, line {code.first}"
        _parts(key=f"parts-{key}", data={"parts": rows, "source": code.lines, "where": where})


def _lines(code, part: Part) -> list[int]:
    return code.containing(part.code) if part.code else []


def halves(numbers: "Tensor") -> str:
    """Numbers for a figure as base64 of little-endian float16, three digits each; ``halves`` of payload.js reads it."""
    return base64.b64encode(numbers.detach().cpu().numpy().astype("<f2").tobytes()).decode()


def question(chapter: str, words: str, options: list[str], right: int, because: str) -> bool:
    """Ask something before the figure shows it.

    Args:
        chapter: Whose question it is.
        words: The question.
        options: The answers to choose from.
        right: Place of the right one.
        because: Why it is right, told with either answer.

    Returns:
        Whether it has been answered, now or before.
    """
    known = progress.read(visitor.current()).answers.get(chapter)
    known = known if known is not None and known < len(options) else None
    with st.container(border=True, key="question", width=PROSE_WIDTH):
        chosen = st.radio(f"**Before you look:** {words}", options, index=known, key=f"answer-{chapter}")
        if chosen is None:
            st.caption("Choose an answer; the figure then shows what is true.")
            return False
        place = options.index(chosen)
        if place != known:
            progress.answer(chapter, place, visitor.current())
        verdict = "**Yes.**" if place == right else f"**No: {options[right]}.**"
        st.markdown(f"{verdict} {because}")
    return True


def try_it(words: str, page: str, label: str, icon: str, query: dict[str, str]) -> None:
    """One thing to try on another screen."""
    with st.container(border=True, width=PROSE_WIDTH):
        st.markdown(f"**Try it.** {words}")
        st.page_link(f"pages/{page}/page.py", label=label, icon=icon, query_params=query)
