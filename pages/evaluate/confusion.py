"""Which classes are taken for which; a cell opens its images."""

from pathlib import Path

import numpy as np
import streamlit as st

from pages.evaluate import cards
from pages.evaluate.asked import Asked
from pages.shared import component
from pages.shared.literal import literal
from vit import text

MATRIX, TRUE, GIVEN = "confusion_matrix", "true", "given"
MOST_CLASSES = 50  # that a person can find their way in

_mount = component.register("vit_lab_matrix", Path(__file__).with_name("matrix.js"))


def draw(chosen: Asked) -> None:
    """The matrix, and the images of the chosen cell. These are sent first: it is they that a click waits for."""
    counts = np.array(chosen.summary.confusion)
    _default(counts)
    shown = most_confused(counts)
    st.caption(
        f"Rows are the labels, columns what the model says. Choose a cell to see its images.{_left_out(counts, shown)}"
    )
    place = st.container()
    true, given = _cell(chosen)
    _images(chosen, true, given)
    with place:
        _matrix(chosen, counts, shown, (true, given))


def most_confused(counts: np.ndarray) -> list[int]:
    """The classes to show: all, or those with most mistakes, in their own order."""
    mistakes = counts - np.diag(counts.diagonal())
    order = np.argsort(-(mistakes.sum(0) + mistakes.sum(1)), kind="stable")
    return sorted(order[:MOST_CLASSES].tolist())


def _left_out(counts: np.ndarray, shown: list[int]) -> str:
    if len(shown) == len(counts):
        return ""
    return f" Of {len(counts):,} classes these are the {len(shown)} with most mistakes; the fields below offer all."


def _matrix(chosen: Asked, counts: np.ndarray, shown: list[int], cell: tuple[int, int]) -> None:
    """The component; ``selected`` is the chosen cell's place in it, -1 where it isn't shown."""
    data = {
        "classes": [chosen.classes[index] for index in shown],
        "counts": counts[np.ix_(shown, shown)].tolist(),
        "selected": [shown.index(index) if index in shown else -1 for index in cell],
    }
    _mount(key=MATRIX, data=data, on_cell_change=lambda: _take(shown))


def _cell(chosen: Asked) -> tuple[int, int]:
    """The choice of a cell by its row and column, for the keyboard and for the address."""
    left, right = st.columns(2)
    options = list(range(len(chosen.classes)))
    name = {"format_func": lambda index: chosen.classes[index], "bind": "query-params"}
    with left:
        true = st.selectbox("Labeled", options, key=TRUE, **name)
    with right:
        return true, st.selectbox("The model says", options, key=GIVEN, **name)


def _default(counts: np.ndarray) -> None:
    """Without a choice in the address, the most frequent mistake is opened."""
    if TRUE in st.session_state and GIVEN in st.session_state:
        return
    if TRUE in st.query_params or GIVEN in st.query_params:
        return
    mistakes = counts - np.diag(counts.diagonal() + 1)
    true, given = divmod(int(mistakes.argmax()), len(counts))
    st.session_state[TRUE], st.session_state[GIVEN] = true, given


def _take(shown: list[int]) -> None:
    """A cell was chosen in the matrix; what is no cell of it, as a browser may send, is left out."""
    match st.session_state[MATRIX].get("cell"):
        case [int(row), int(column)] if 0 <= row < len(shown) and 0 <= column < len(shown):
            st.session_state[TRUE], st.session_state[GIVEN] = shown[row], shown[column]
            st.session_state.pop("cell-page", None)


def _images(chosen: Asked, true: int, given: int) -> None:
    from vit.evaluation import metrics

    found = chosen.predictions
    rows = metrics.cell(found.predicted, found.labels, true, given, found.confidence)
    names = literal(chosen.classes[true]), literal(chosen.classes[given])
    st.markdown(f"**{text.counted(len(rows), 'image')}** labeled {names[0]}; the model says {names[1]}.")
    cards.draw(chosen, rows, "cell-page")
