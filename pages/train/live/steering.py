"""What can be done about a run: pause, stop, resume, and behind "More" everything that changes how it goes on."""

from collections.abc import Callable

import streamlit as st
from pydantic import JsonValue

from pages.shared import launching, mistakes, visitor
from pages.shared.literal import literal
from pages.train import command
from pages.train.form import settings
from pages.train.form.settings import Problems
from pages.train.live import clicks
from vit import rules, text
from vit.config import merge
from vit.rules import find_problems
from vit.runs import commands, fork, launch
from vit.runs.changes import STEERABLE, in_effect
from vit.runs.directory import Run
from vit.runs.status import RESUMABLE, RunState

USUAL = ("train.lr",)  # what people change most
UNITS = ("epochs", "steps", "minutes")
RULE = (
    "From now on the learning rate follows the schedule of the longer run, as if its length had been known from the "
    "start. The warm-up stays as it was."
)
FORK_HELP = "A new run goes on from this checkpoint, optimizer included; this one stays as it is."


def actions(run: Run, now: RunState) -> None:
    """One primary action; the others beside it, and those that need words behind a button."""
    st.button("New run", type="tertiary", icon=":material/add:", on_click=launching.configure_another)
    asked = {command.word for command in commands.waiting(run)}
    if now.state == "queued":
        if not run.plan_path.exists():
            with mistakes.shown():
                st.button("Edit", icon=":material/edit:", on_click=_edit, args=(run,))
        _stop("Withdraw", run, now, type="primary")
        return
    if now.state != "damaged" and run.plan_path.exists():
        with st.popover("More", icon=":material/tune:"):
            _more(run, now)
    if now.is_alive:
        _pause_and_stop(run, now, asked)
    elif now.state == "paused":
        _button("Continue", "continue", run, icon=":material/resume:", type="primary")
    elif now.state in RESUMABLE:
        resume = {"on_click": do, "args": (launch.resume, run.id)}
        st.button("Resume", key="resume", type="primary", icon=":material/resume:", **resume)


def _edit(run: Run) -> None:
    """Open the form with the configuration of a waiting run."""
    with mistakes.kept():
        query = command.query(rules.read(run.config_path).to_json())
        st.switch_page(launching.TRAIN_PAGE, query_params=query | {"edit": run.id})


def do(action: Callable[..., Run], run_id: str, *arguments: object, **more: object) -> None:
    """Steer a run; a refusal is shown in the next drawing."""
    asked = action.__name__, arguments, more
    if not clicks.is_repeated(run_id, *asked):
        with mistakes.kept():
            action(run_id, *arguments, **more)
            clicks.remember(run_id, *asked)


def _button(label: str, word: str, run: Run, **look) -> None:
    st.button(label, key=word, on_click=do, args=(launch.command, run.id, word), **look)


def _stop(label: str, run: Run, now: RunState, **look) -> None:
    """Stop a run, after a question if someone else has launched it."""
    if not visitor.is_foreign(now.launch.owner):
        _button(label, "stop", run, icon=":material/stop:", **look)
        return
    with st.popover(label, icon=":material/stop:", **look):
        st.markdown(f"This run was launched by {literal(visitor.called(now.launch.owner))}.")
        _button(f"{label} it anyway", "stop", run)


def _pause_and_stop(run: Run, now: RunState, asked: set[str]) -> None:
    is_stopping = "stop" in asked
    if now.state == "paused":
        is_continuing = "continue" in asked
        _stop("Stop", run, now, disabled=is_stopping)
        look = {"type": "primary", "disabled": is_continuing or is_stopping}
        _button("Continue", "continue", run, icon=":material/resume:", **look)
    else:
        is_pausing = "pause" in asked
        label = "Pausing" if is_pausing else "Pause"
        _button(label, "pause", run, icon=":material/pause:", disabled=is_pausing or is_stopping)
        label = "Stopping" if is_stopping else "Stop"
        _stop(label, run, now, type="primary", disabled=is_stopping)


def _more(run: Run, now: RunState) -> None:
    """Save, validate, change, extend, fork."""
    if now.is_alive:
        with st.container(horizontal=True, gap="small"):
            _button("Save now", "save", run, icon=":material/save:")
            _button("Validate now", "evaluate", run, icon=":material/query_stats:")
    with mistakes.shown():
        if now.state != "finished":
            with st.expander("Change settings", icon=":material/tune:"):
                _change(run, now)
        with st.expander("Extend", icon=":material/update:"):
            _extend(run, now)
        if run.saved():
            with st.expander("Fork", icon=":material/fork_right:"):
                _fork(run)


def _change(run: Run, now: RunState) -> None:
    """Other values from the next step on."""
    chosen, problems = _settings(run, now.status.step, "change")
    st.button(
        "Change from the next step on" if now.is_alive else "Change from the last checkpoint on",
        key="apply_change",
        disabled=not chosen or bool(problems),
        on_click=do,
        args=(launch.change, run.id, chosen),
    )


def _settings(run: Run, step: int, purpose: str) -> tuple[dict[str, JsonValue], Problems]:
    """Widgets for the settings that a person picks: what differs from the values at a step, and what is wrong."""
    at = f"{purpose}.{run.id}"
    config = in_effect(run, step).to_json()
    picked = st.multiselect(
        "Settings", STEERABLE, default=USUAL, format_func=settings.label, key=f"{at}.picked", persist_state="session"
    )
    chosen: dict[str, JsonValue] = {}
    for field in picked:
        section, _, name = field.partition(".")
        value = st.session_state.setdefault(f"{at}.{field}", config[section][name])
        chosen |= {field: value} if value != config[section][name] else {}
    problems: Problems = {}
    for problem in find_problems(merge(config, chosen)) if chosen else ():
        problems.setdefault(problem.field, []).append(problem)
    for field in picked:
        settings.draw(field, problems, entry=f"{at}.{field}")
    return chosen, problems


def _extend(run: Run, now: RunState) -> None:
    """More epochs, steps or minutes; the run goes on if it has ended."""
    number, unit = st.columns([1, 1], vertical_alignment="bottom")
    more = number.number_input("By", min_value=0.0, value=1.0, step=1.0, format="%g", key=f"extend.{run.id}")
    chosen = unit.selectbox("Unit", UNITS, label_visibility="hidden", key=f"extend_unit.{run.id}")
    length = {chosen: int(more) if chosen == "steps" else more}
    st.caption(RULE)
    label = "Extend" if now.is_alive else "Extend and continue"
    extend = {"on_click": do, "args": (launch.extend, run.id), "kwargs": length}
    st.button(label, key="apply_extend", disabled=not more, **extend)


def _fork(run: Run) -> None:
    """A new run from one of the whole checkpoints, with other settings if wanted."""
    saved = {entry.step: entry for entry in run.saved()}

    def words(step: int) -> str:
        accuracy = saved[step].val_accuracy
        return f"step {step:,}" + (f", {text.percent(accuracy)} val accuracy" if accuracy is not None else "")

    step = st.selectbox("From", list(reversed(saved)), format_func=words, key=f"fork_step.{run.id}", help=FORK_HELP)
    chosen, problems = _settings(run, step, f"fork-{step}")
    st.button("Fork", key="apply_fork", disabled=bool(problems), on_click=_open_fork, args=(run.id, step, chosen))


def _open_fork(parent_id: str, step: int, chosen: dict[str, JsonValue]) -> None:
    """Make the fork and show it."""
    if clicks.is_repeated(parent_id, "fork", step, chosen):
        return
    with mistakes.kept():
        child = fork.fork(parent_id, step, chosen, owner=visitor.current())
        clicks.remember(parent_id, "fork", step, chosen)
        st.switch_page(launching.TRAIN_PAGE, query_params={"run": child.id})
