"""The form: preset, data, start and length on top; model and training below; what they mean beside them."""

import shlex

import streamlit as st

from pages.shared import heading, launching, mistakes, models
from pages.shared.literal import literal
from pages.train import command, twin
from pages.train.form import assigned, budget, foreign, meaning, own_images, settings, state
from pages.train.form.settings import Problems
from vit import devices, expectation, presets
from vit.config import RunConfig
from vit.rules import find_problems, validate
from vit.runs import launch
from vit.runs import status as runs

COMMAND = "command"  # whether the popover with the command is open


def draw() -> None:
    """The whole form; it answers every change at once."""
    budget.follow()
    state.prepare()
    problems = _problems(state.raw())
    edited = st.session_state.get(state.EDIT)
    with heading.row(f"Edit {literal(edited)}" if edited else "Train"):
        _actions(problems)
    if st.session_state.get(state.NOTES):
        st.warning(f"Ignored settings in the address: {literal('; '.join(st.session_state[state.NOTES]))}.")
    assigned.banner()
    _top(problems)
    form, aside = st.columns([6, 5], gap="medium")
    with form:
        _model(problems)
        _training(problems)
    with aside.container(border=True):
        meaning.draw(state.raw())


def _problems(raw: dict) -> Problems:
    """What is wrong, by setting."""
    info = state.data_info()
    found: Problems = {}
    wrong = find_problems(raw, devices.environment(info.counts.get("train"), len(info.classes)))
    for problem in [*wrong, *assigned.problems(raw)]:
        found.setdefault(problem.field, []).append(problem)
    return found


def _top(problems: Problems) -> None:
    names = presets.offered(devices.describe().device)
    if st.session_state[state.PRESET] not in names:  # a link asked for it
        names.append(st.session_state[state.PRESET])
    once = {"required": True, "persist_state": "session"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Preset",
            names,
            format_func=lambda name: presets.PRESETS[name].title,
            key=state.PRESET,
            on_change=state.apply_preset,
            **once,
        )
        budget.ask()
    budget.answer()
    preset = presets.PRESETS[st.session_state[state.PRESET]]
    measured = preset.measured if expectation.is_cifar10(state.data_info()) else ""
    changed = ", ".join(settings.label(field) for field in state.changed())
    st.caption(" ".join(filter(None, [preset.purpose, measured, f"Changed: {changed}." * bool(changed)])))
    data, start, length = st.columns([3, 4, 4], gap="medium")
    with data:
        _data(problems)
    with start:
        _start(problems)
    with length:
        _length(problems)


def _data(problems: Problems) -> None:
    st.selectbox(
        "Data",
        state.sources(),
        key=state.DATA,
        on_change=state.follow,
        persist_state="session",
        help="Add more on the Data page.",
    )
    settings.complaints(problems.get("data.source", []) + problems.get("model.num_classes", []))
    own_images.draw()


def _start(problems: Problems) -> None:
    st.selectbox(
        "Start from",
        state.starts(),
        format_func=lambda name: models.label(name) or name if name else "Scratch (random weights)",
        key=state.START,
        on_change=state.follow,
        persist_state="session",
        help="A pretrained model learns new classes faster than random weights. Its head is kept if the classes match.",
    )
    settings.complaints(problems.get("init.checkpoint", []))
    if st.session_state[state.START]:
        foreign.notes()
        settings.draw("init.trainable", problems)
        _fine_tuning_rate()
    foreign.menu()


def _fine_tuning_rate() -> None:
    """Name the learning rate that is proposed; one that a person has typed stays until they take the proposal."""
    proposed, now = state.proposed("train.lr"), st.session_state[settings.key("train.lr")]
    words = f"Learning rate for fine-tuning: {proposed:g}, a tenth of what the preset takes from scratch."
    if now == proposed:
        st.caption(words)
        return
    st.caption(f"{words} Yours is {now:g}.")
    use = {"on_click": settings.put, "args": ("train.lr", proposed)}
    st.button(f"Use {proposed:g}", key="fine_tuning_rate", icon=":material/tune:", **use)


def _length(problems: Problems) -> None:
    number, unit = st.columns([1, 1], vertical_alignment="bottom")
    is_locked = bool({*settings.LENGTH_FIELDS} & {*assigned.locked()})
    once = {"persist_state": "session", "disabled": is_locked}
    number.number_input("Length", min_value=0.0, format="%g", key=settings.LENGTH, **once)
    unit.selectbox(
        "Unit",
        list(state.UNITS),
        key=settings.UNIT,
        on_change=state.follow_unit,
        label_visibility="hidden",
        **once,
    )
    for field in settings.LENGTH_FIELDS:
        settings.complaints(problems.get(field, []))


def _model(problems: Problems) -> None:
    given = (state.GIVEN if st.session_state[state.START] else ()) + assigned.locked()
    with st.container(border=True):
        st.subheader("Model", anchor=False)
        if st.session_state[state.START]:
            st.caption(f"Grayed-out settings come from {literal(models.label(st.session_state[state.START]))}.")
        settings.grid(settings.MODEL_FIELDS, problems, given)
        _advanced("Advanced: model", settings.advanced("model"), problems, given)


def _training(problems: Problems) -> None:
    with st.container(border=True):
        st.subheader("Training", anchor=False)
        given = assigned.locked()
        settings.grid(settings.TRAIN_FIELDS, problems, given)
        _advanced("Augmentation", settings.advanced("augment"), problems, given)
        if st.session_state[state.START]:
            _advanced("Advanced: fine-tuning", settings.advanced("init"), problems, given)
        _advanced("Advanced: training", settings.advanced("train") + settings.advanced("data"), problems, given)


def _advanced(title: str, names: list[str], problems: Problems, given: tuple[str, ...] = ()) -> None:
    """An expander that opens by itself where something in it is wrong."""
    is_wrong = any(name in problems for name in names)
    with st.expander(title, expanded=is_wrong, icon=":material/error:" if is_wrong else None):
        settings.grid(names, problems, given)


def _actions(problems: Problems) -> None:
    """One primary action, and the same as a command line."""
    edited = st.session_state.get(state.EDIT)
    if problems:
        st.caption(f"Fix these first: {', '.join(map(settings.label, problems))}", width="content")
    elif not edited:
        assigned.menu()
        with st.popover("Command", icon=":material/terminal:", key=COMMAND, on_change="rerun"):
            st.caption("The same run from a shell:")
            line = f"{command.line(state.raw())} --run {shlex.quote(launching.next_run())}"
            st.code(line, language="bash", wrap_lines=True)
            if st.button("Show me the code", key="code", icon=":material/code:", on_click=_close):
                twin.show(_checked())
    button = {"type": "primary", "disabled": bool(problems)}
    if edited:
        st.button("Cancel", key="cancel", on_click=_leave, args=(edited,))
        st.button("Save", key="save", icon=":material/save:", on_click=_save, args=(edited,), **button)
    else:
        launching.name_field()
        active = runs.active()
        label, icon = ("Add to queue", ":material/playlist_add:") if active else ("Train", ":material/play_arrow:")
        waits = f"{literal(active.id)} is {active.state}; this run waits for its turn." if active else None
        st.button(label, key="train", icon=icon, help=waits, on_click=_launch, **button)


def _close() -> None:
    """Close the popover, which would lie over the dialog that opens now."""
    st.session_state[COMMAND] = False


def _checked() -> RunConfig:
    info = state.data_info()
    return validate(state.raw(), devices.environment(info.counts.get("train"), len(info.classes)))


def _launch() -> None:
    """Launch the run and turn the page into its live view."""
    with mistakes.kept():
        st.query_params.from_dict({"run": launching.launch_once(_checked())})


def _save(run_id: str) -> None:
    """Give the waiting run this configuration, and go back to it."""
    with mistakes.kept():
        launch.edit(run_id, _checked())
        _leave(run_id)


def _leave(run_id: str) -> None:
    st.session_state[state.EDIT] = None
    st.query_params.from_dict({"run": run_id})
