"""One widget per setting, made from what the configuration says of it, with its problems beneath."""

import streamlit as st

from pages.train.form import fields, state
from vit.config import choices, field_info
from vit.errors import Problem

Problems = dict[str, list[Problem]]


def grid(names: tuple[str, ...] | list[str], problems: Problems, given: tuple[str, ...] = ()) -> None:
    """Settings side by side; those ``given`` by a trained start are shown but can't be changed."""
    cells = st.grid(2, min_column_width=130, gap="small")
    for field in names:
        with cells.cell():
            draw(field, problems, is_given=field in given)


def draw(field: str, problems: Problems, is_given: bool = False) -> None:
    """A setting's widget, and below it what is wrong with its value."""
    common = {
        "label": fields.label(field),
        "key": state.key(field),
        "help": field_info(field).description,
        "disabled": is_given,
        "persist_state": "session",
    }
    if choices(field):
        _choice(field, common)
    elif fields.kind(field) is bool:
        st.toggle(**common)
    elif fields.kind(field) is str:
        st.text_input(**common)
    else:
        _number(field, common)
    complaints(problems.get(field, []))


def complaints(problems: list[Problem]) -> None:
    """What is wrong, where it is wrong, with the remedy as a button where there is one."""
    for place, problem in enumerate(problems):
        st.caption(f":red[:material/error: {problem.message[:1].upper()}{problem.message[1:]}]")
        if problem.remedy is not None:
            st.button(
                f"Use {problem.remedy}",
                key=f"remedy.{problem.field}.{place}",
                icon=":material/healing:",
                on_click=state.put,
                args=(problem.field, problem.remedy),
            )


def _choice(field: str, common: dict) -> None:
    options = choices(field)
    if len(options) == 2:
        st.segmented_control(options=options, required=True, width="stretch", **common)
    else:
        st.selectbox(options=options, **common)


def _number(field: str, common: dict) -> None:
    number = fields.kind(field)
    low, high = (None if limit is None else number(limit) for limit in fields.bounds(field))
    step = number(fields.step(field, field_info(field).default))
    form = "%d" if number is int else "%g"
    st.number_input(min_value=low, max_value=high, step=step, format=form, **common)
