"""The operating table: switches for heads, blocks and patches, and bars that follow."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.attention import asked
from pages.attention.subject import Subject
from pages.attention.surgery import operation
from pages.attention.surgery.operation import Operation, Outcome
from pages.shared import mistakes, words
from pages.shared.inline import data_url
from vit.plots import colors, scale

if TYPE_CHECKING:
    from torch import Tensor

HERE = Path(__file__).parent
SCRIPTS = ("../words.js", "panel_address.js", "panel.js", "panel_draw.js")  # chapters of one module
MOST_BARS = 10
DARK_BELOW = 0.45  # relative brightness under which a number on a colour has to be white

_mount = st.components.v2.component(
    "vit_lab_surgery",
    html=(HERE / "panel.html").read_text(),
    css=(HERE / "panel.css").read_text(),
    js="\n".join((HERE / name).read_text() for name in SCRIPTS),
)


@st.fragment
def draw(subject: Subject) -> None:
    """Draw the panel; a switch that is turned draws nothing else anew.

    The browser keeps the switches, and the address does; they stay while the picture, the class or the model changes.
    """
    with mistakes.shown():
        _panel(subject, "surgery")


def _panel(subject: Subject, key: str) -> None:
    raw = (st.session_state.get(key) or {}).get("off") or {}
    _mount(key=key, data=_data(subject, operation.parse(subject, raw)), on_off_change=lambda: None)


def _data(subject: Subject, current: Operation) -> dict:
    whole, outcome = operation.outcome(subject, Operation()), operation.outcome(subject, current)
    config = subject.info.model
    return {
        "edits": operation.EDITS,
        "hows": operation.hows(subject),
        "most": operation.MOST_PERCENT,
        "seen": data_url(outcome.seen),
        "grid": config.grid_size,
        "depth": config.depth,
        "heads": config.num_heads,
        "tints": tints(_changes(asked.question(subject), subject)),
        "legend": f"Colour and number: how the probability of {_name(subject)} changes, in points, without that head "
        "alone. Blue: it falls, red: it rises.",
        "bars": bars(subject, whole, outcome),
        "verdict": verdict(subject, whole, outcome),
    }


def _name(subject: Subject) -> str:
    return subject.info.classes[subject.target]


@st.cache_resource(max_entries=100, show_spinner=False)
def _changes(question: asked.Question, _subject: Subject) -> "Tensor":
    """How the asked class's probability changes without each head, (L, h)."""
    from vit.explain import surgery, target

    return surgery.knock_out_each_head(*asked.model_and_inputs(_subject), _subject.target, target.probability)[0]


def tints(changes: "Tensor") -> list[list[dict]]:
    """Colour, ink and number of each head's switch."""
    shown = colors.colorize(scale.symmetric(changes).shares(changes), colors.DIVERGING)
    rows = zip(shown.tolist(), changes.tolist(), strict=True)
    return [[_tint(*pair) for pair in zip(*row, strict=True)] for row in rows]


def _tint(color: list[int], change: float) -> dict:
    return {"color": _css(color), "ink": _ink(color), "text": f"{round(100 * change):+d}".replace("+0", "0")}


def _css(color: list[int]) -> str:
    return f"rgb({', '.join(map(str, color))})"


def _ink(color: list[int]) -> str:
    red, green, blue = color
    return "#fff" if (0.299 * red + 0.587 * green + 0.114 * blue) / 255 < DARK_BELOW else "#111"


def bars(subject: Subject, whole: Outcome, outcome: Outcome) -> list[dict]:
    """The classes that count, in the order of the untouched model, which stays the same under every operation."""
    before, now, classes = whole.probabilities, outcome.probabilities, subject.info.classes
    order = sorted(range(len(classes)), key=lambda index: -before[index])
    kept = set(sorted(order, key=lambda index: -max(before[index], now[index]))[:MOST_BARS])
    return [
        {
            "name": classes[index],
            "before": before[index],
            "now": now[index],
            "text": f"{words.percent(before[index])} → {words.percent(now[index])}",
            "asked": index == subject.target,
        }
        for index in order
        if index in kept
    ]


def verdict(subject: Subject, whole: Outcome, outcome: Outcome) -> str:
    """Whether the answer is another one now."""
    before, now = whole.probabilities, outcome.probabilities
    was, is_now = (subject.info.classes[values.index(max(values))] for values in (before, now))
    return f"Still {was}." if was == is_now else f"Flipped from {was} to {is_now}."
