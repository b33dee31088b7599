"""The form: preset, data, start and length on top; model and training below; what they mean beside them."""

import streamlit as st

from pages.shared import heading, launching, models
from pages.train import command
from pages.train.form import fields, meaning, state, widgets
from vit import devices, presets
from vit.config import ENCODER
from vit.errors import VitError
from vit.rules import find_problems, validate
from vit.runs import status as runs

ERROR = "form_error"


def draw() -> None:
    """The whole form; it answers every change at once."""
    state.prepare()
    problems = _problems(state.raw())
    with heading.row("Train"):
        _actions(problems)
    if ERROR in st.session_state:
        st.error(st.session_state.pop(ERROR))
    _top(problems)
    form, aside = st.columns([6, 5], gap="medium")
    with form:
        _model(problems)
        _training(problems)
    with aside.container(border=True):
        meaning.draw(state.raw(), problems)


def _problems(raw: dict) -> widgets.Problems:
    """What is wrong, by setting."""
    info = state.data_info()
    found: widgets.Problems = {}
    for problem in find_problems(raw, devices.surroundings(info.counts.get("train"), len(info.classes))):
        found.setdefault(problem.field, []).append(problem)
    return found


def _top(problems: widgets.Problems) -> None:
    names = presets.offered(devices.describe().device)
    if st.session_state[state.PRESET] not in names:  # a link asked for it
        names.append(st.session_state[state.PRESET])
    once = {"required": True, "persist_state": "session"}
    st.segmented_control(
        "Preset",
        names,
        format_func=lambda name: presets.PRESETS[name].title,
        key=state.PRESET,
        on_change=state.apply_preset,
        **once,
    )
    preset = presets.PRESETS[st.session_state[state.PRESET]]
    changed = [fields.label(field) for field in state.changed()]
    st.caption(
        " ".join(filter(None, [preset.purpose, preset.measured, f"Changed: {', '.join(changed)}." * bool(changed)]))
    )
    data, start, length = st.columns([3, 4, 4], gap="medium")
    with data:
        _data(problems)
    with start:
        _start(problems)
    with length:
        _length(problems)


def _data(problems: widgets.Problems) -> None:
    st.selectbox(
        "Data",
        state.sources(),
        key=state.key("data.source"),
        on_change=state.follow_data,
        persist_state="session",
        help="More data sets come in on the Data page.",
    )
    widgets.complaints(problems.get("data.source", []) + problems.get("model.num_classes", []))


def _start(problems: widgets.Problems) -> None:
    st.selectbox(
        "Start from",
        state.starts(),
        format_func=lambda name: models.label(name) if name else "Scratch (random weights)",
        key=state.key("init.checkpoint"),
        on_change=state.apply_preset,
        persist_state="session",
        help="A trained model learns new classes faster than random weights do. Its head is kept if the classes match.",
    )
    widgets.complaints(problems.get("init.checkpoint", []))
    if st.session_state[state.key("init.checkpoint")]:
        widgets.draw("init.trainable", problems)


def _length(problems: widgets.Problems) -> None:
    number, unit = st.columns([1, 1], vertical_alignment="bottom")
    number.number_input("Length", min_value=0.0, format="%g", key=state.LENGTH, persist_state="session")
    unit.selectbox(
        "Unit",
        list(state.UNITS),
        key=state.UNIT,
        on_change=state.follow_unit,
        label_visibility="hidden",
        persist_state="session",
    )
    for field in fields.LENGTH_FIELDS:
        widgets.complaints(problems.get(field, []))


def _model(problems: widgets.Problems) -> None:
    start = st.session_state[state.key("init.checkpoint")]
    given = tuple(f"model.{name}" for name in ENCODER) if start else ()
    with st.container(border=True):
        st.subheader("Model", anchor=False)
        if given:
            st.caption(f"What can't be changed is given by {start}.")
        widgets.grid(fields.MODEL_FIELDS, problems, given)
        _advanced("Advanced: model", fields.advanced("model"), problems, given)


def _training(problems: widgets.Problems) -> None:
    with st.container(border=True):
        st.subheader("Training", anchor=False)
        widgets.grid(fields.TRAIN_FIELDS, problems)
        _advanced("Augmentation", fields.advanced("augment"), problems)
        _advanced("Advanced: training", fields.advanced("train") + fields.advanced("data"), problems)


def _advanced(title: str, names: list[str], problems: widgets.Problems, given: tuple[str, ...] = ()) -> None:
    """An expander that opens by itself where something in it is wrong."""
    is_wrong = any(name in problems for name in names)
    with st.expander(title, expanded=is_wrong, icon=":material/error:" if is_wrong else None):
        widgets.grid(names, problems, given)


def _actions(problems: widgets.Problems) -> None:
    """One primary action, and the same as a command line."""
    name = launching.next_run()
    st.caption(_next(problems, name), width="content")
    if not problems:
        with st.popover("Command", icon=":material/terminal:"):
            st.caption("The same run from a shell:")
            st.code(f"{command.line(state.raw())} --run {name}", language="bash", wrap_lines=True)
    button = {"type": "primary", "icon": ":material/play_arrow:", "disabled": bool(problems)}
    st.button("Train", key="train", on_click=_launch, **button)


def _next(problems: widgets.Problems, name: str) -> str:
    """What the button will do, or why it can't."""
    if problems:
        wrong = [fields.label(field) for field in problems]
        return f"To put right first: {', '.join(wrong)}"
    active = runs.active()
    return f"**{name}**" + (f", after {active.id}" if active else "")


def _launch() -> None:
    """Launch the run and turn the page into its live view."""
    info = state.data_info()
    try:
        config = validate(state.raw(), devices.surroundings(info.counts.get("train"), len(info.classes)))
        run_id = launching.launch_once(config)
    except VitError as error:
        st.session_state[ERROR] = str(error)
        return
    st.query_params["run"] = run_id
