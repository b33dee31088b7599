"""Which classes are taken for which; a cell opens its images."""

import pandas as pd
import streamlit as st

from pages.evaluate import cards
from pages.evaluate.asked import Asked
from pages.shared.literal import literal
from vit import text

TABLE, TRUE, GIVEN = "confusion_table", "true", "given"
MOST_ROWS, TALLEST = 25, 900  # classes that are shown without scrolling; pixels of more
STRONGEST = 0.55  # opacity of a cell's color
WRONG, RIGHT = "217, 119, 6", "15, 118, 110"


def draw(chosen: Asked) -> None:
    """The matrix, and the images of the chosen cell. These are sent first: it is they that a click waits for."""
    matrix = _matrix(chosen)
    _default(matrix)
    st.caption("Rows are the labels, columns what the model says. Choose a cell to see its images.")
    place = st.container()
    _images(chosen, *_cell(chosen))
    with place:
        _table(chosen, matrix)


def _table(chosen: Asked, matrix: pd.DataFrame) -> None:
    _select_in_table(chosen)
    st.dataframe(
        _styled(matrix),
        key=TABLE,
        on_select=lambda: _take(chosen),
        selection_mode="single-cell",
        height="content" if len(matrix) <= MOST_ROWS else TALLEST,
        alt="Confusion matrix",
    )


def _cell(chosen: Asked) -> tuple[int, int]:
    """The choice of a cell by its row and column, for the keyboard and for the address."""
    left, right = st.columns(2)
    options = list(range(len(chosen.classes)))
    name = {"format_func": lambda index: chosen.classes[index], "bind": "query-params"}
    with left:
        true = st.selectbox("Labeled", options, key=TRUE, **name)
    with right:
        return true, st.selectbox("The model says", options, key=GIVEN, **name)


def _matrix(chosen: Asked) -> pd.DataFrame:
    """The counts, with the labels as index; names stay apart if two look alike."""
    return pd.DataFrame(chosen.summary.confusion, index=list(chosen.classes), columns=list(chosen.classes))


def _default(matrix: pd.DataFrame) -> None:
    """Without a choice in the address, the most frequent mistake is opened."""
    if TRUE in st.session_state and GIVEN in st.session_state:
        return
    if TRUE in st.query_params or GIVEN in st.query_params:
        return
    counts = matrix.to_numpy(copy=True)
    counts[range(len(counts)), range(len(counts))] = -1
    true, given = divmod(int(counts.argmax()), len(counts))
    st.session_state[TRUE], st.session_state[GIVEN] = true, given


def _select_in_table(chosen: Asked) -> None:
    """Let the table mark the cell that is chosen, wherever it was chosen."""
    true, given = st.session_state.get(TRUE), st.session_state.get(GIVEN)
    if true is None or given is None:
        return
    wanted = [(true, chosen.classes[given])]
    state = st.session_state.get(TABLE)
    if state is None or [tuple(cell) for cell in state["selection"]["cells"]] != wanted:
        st.session_state[TABLE] = {"selection": {"rows": [], "columns": [], "cells": wanted}}


def _take(chosen: Asked) -> None:
    """A cell was chosen in the table."""
    cells = st.session_state[TABLE]["selection"]["cells"]
    if cells:
        row, column = cells[0]
        st.session_state[TRUE], st.session_state[GIVEN] = int(row), chosen.classes.index(column)
        st.session_state.pop("cell-page", None)


def _styled(matrix: pd.DataFrame):
    """Mistakes in one color, right answers in another; the number says the same."""
    counts = matrix.to_numpy()
    largest = max(1, (counts * (1 - pd.DataFrame(counts).eq(0).to_numpy())).max())
    wrong = counts.copy()
    wrong[range(len(counts)), range(len(counts))] = 0
    most = max(1, wrong.max())

    def colors(frame: pd.DataFrame) -> pd.DataFrame:
        cells = [
            [
                f"background-color: rgba({RIGHT}, {STRONGEST * counts[i, j] / largest:.2f})"
                if i == j
                else f"background-color: rgba({WRONG}, {STRONGEST * counts[i, j] / most:.2f})"
                for j in range(len(counts))
            ]
            for i in range(len(counts))
        ]
        return pd.DataFrame(cells, index=frame.index, columns=frame.columns)

    return matrix.style.apply(colors, axis=None)


def _images(chosen: Asked, true: int, given: int) -> None:
    from vit.evaluation import metrics

    found = chosen.predictions
    rows = metrics.cell(found.predicted, found.labels, true, given, found.confidence)
    names = literal(chosen.classes[true]), literal(chosen.classes[given])
    st.markdown(f"**{text.counted(len(rows), 'image')}** labeled {names[0]}; the model says {names[1]}.")
    cards.draw(chosen, rows, "cell-page")
