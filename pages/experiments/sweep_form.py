"""The sweeps there are, and the form for a new one."""

import shlex

import streamlit as st

from pages.shared import datasets, mistakes
from pages.shared.literal import literal
from pages.train import command
from vit import devices, presets, text
from vit.config import field_names
from vit.data import catalog
from vit.errors import ConfigError, Problem
from vit.rules import validate
from vit.sweeps import directory
from vit.sweeps.definition import (
    DEFAULT_TRIALS,
    MOST_TRIALS,
    SHARED,
    Definition,
    Varied,
    check,
    num_trials,
    parse,
    suggested,
)
from vit.sweeps.directory import Sweep

SAMPLERS = {"tpe": "TPE (learns from earlier trials)", "random": "Random", "grid": "Grid (every combination)"}
UNITS = ("epochs", "steps", "minutes")
FIRST = ["train.lr"]
HELP_CHOICE = "Values such as 32,64,128, a range such as 1..6, or 1e-4..1e-2:log for a range on a logarithmic scale."
HELP_PRUNING = (
    "Stops a trial whose val accuracy is below the median of the earlier trials at the same point of the run."
)
INTRO = (
    "Many runs with different settings, to find good ones. Each trial is an ordinary run: it waits in line, and can be "
    "watched and compared."
)


def draw() -> None:
    """Earlier sweeps, and below them the form."""
    st.markdown(INTRO)
    _list()
    with st.container(border=True):
        st.subheader("New sweep", anchor=False)
        raw = _base()
        sampler, trials, seed, pruning = _how()
        with mistakes.shown():
            varied = _varied(raw, sampler)
            name = st.session_state["name"]
            choice = {
                "sampler": sampler,
                "trials": num_trials(varied, sampler, trials),
                "seed": seed,
                "pruning": pruning,
            }
            definition = Definition(name=name, config=raw, varied=varied, **choice)
            problems = _problems(definition)
            directory.check_name(name)
            _start(definition, problems)


def _list() -> None:
    """One link per sweep."""
    for sweep in directory.list_sweeps():
        with mistakes.shown():
            definition = sweep.definition()
            varied = "; ".join(map(str, definition.varied))
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.button(
                    sweep.name, key=f"open-{sweep.name}", icon=":material/query_stats:", on_click=_open, args=(sweep,)
                )
                st.caption(f"{definition.sampler}, {text.counted(definition.trials, 'trial')}: {literal(varied)}")


def _open(sweep: Sweep) -> None:
    st.query_params["sweep"] = sweep.name


def _base() -> dict:
    """What all trials share, as a raw configuration."""
    columns = st.columns([2, 2, 2, 1, 1], gap="small")
    columns[0].text_input("Name", "my-sweep", key="name", bind="query-params", max_chars=56)
    preset = columns[1].selectbox(
        "Preset", presets.offered(devices.describe().device), key="preset", bind="query-params", format_func=_title
    )
    names = [info.name for info in datasets.usable()]
    data = columns[2].selectbox("Data", names, key="data", bind="query-params")
    length = columns[3].number_input("Length", 0.01, value=1.0, format="%g", key="length", bind="query-params")
    unit = columns[4].selectbox("Unit", UNITS, key="unit", bind="query-params")
    info = catalog.describe(data)
    follows: dict[str, object] = {"model.image_size": info.image_size} if info.image_size else {}
    settings = follows | {f"train.{unit}": int(length) if unit == "steps" else length}
    return presets.build(preset, settings, data=info)


def _title(preset: str) -> str:
    return presets.PRESETS[preset].title


def _how() -> tuple:
    """Sampler, number of trials, seed, pruning."""
    columns = st.columns([3, 1, 1, 2], gap="small", vertical_alignment="bottom")
    sampler = columns[0].selectbox(
        "Sampler", list(SAMPLERS), format_func=SAMPLERS.__getitem__, key="sampler", bind="query-params"
    )
    trials = columns[1].number_input("Trials", 1, MOST_TRIALS, DEFAULT_TRIALS, key="trials", bind="query-params")
    seed = columns[2].number_input("Seed", 0, 2**31 - 1, 0, key="sampler_seed", bind="query-params")
    pruning = columns[3].toggle("Prune poor trials", True, key="pruning", bind="query-params", help=HELP_PRUNING)
    return sampler, int(trials), int(seed), pruning


def _varied(raw: dict, sampler: str) -> tuple[Varied, ...]:
    """The settings to vary, each with its values or range.

    Raises:
        SweepError: If one can't be read.
    """
    names = [name for name in field_names() if name not in SHARED]
    chosen = st.multiselect("Settings to vary", names, FIRST, key="vary", bind="query-params")
    found = []
    with st.grid(2, min_column_width=260, gap="small"):
        for name in chosen:
            section, _, field = name.partition(".")
            default = suggested(name, raw[section][field], sampler == "grid")
            key = f"{'values' if sampler == 'grid' else 'range'}.{name}"
            found.append(st.text_input(name, default, key=key, bind="query-params", help=HELP_CHOICE))
    return tuple(parse(f"{name}={choice}") for name, choice in zip(chosen, found, strict=True) if choice)


def _problems(definition: Definition) -> list[Problem]:
    """What is wrong with the settings to vary, and with what all trials share."""
    info = catalog.describe(definition.config["data"]["source"])
    problems = []
    for judge in (
        lambda: check(definition),
        lambda: validate(definition.config, devices.environment(info.counts.get("train"), len(info.classes))),
    ):
        try:
            judge()
        except ConfigError as error:
            problems += error.problems
    return problems


def _start(definition: Definition, problems: list[Problem]) -> None:
    for problem in problems:
        st.caption(f":red[:material/error: {literal(problem)}]")
    mistakes.told("refused-sweep")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Start {text.counted(definition.trials, 'trial')}",
            key="start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(problems),
            on_click=_launch,
            args=(definition,),
        )
        with st.popover("Command", icon=":material/terminal:"):
            st.caption("The same sweep from a shell:")
            st.code(line(definition), language="bash", wrap_lines=True)


def line(definition: Definition) -> str:
    """``python -m vit sweep start ...``."""
    words = ["python", "-m", "vit", "sweep", "start", definition.name]
    words += shlex.split(command.line(definition.config))[4:]
    for one in definition.varied:
        words += ["--vary", str(one)]
    words += ["--sampler", definition.sampler, "--trials", str(definition.trials)]
    words += ["--sampler-seed", str(definition.seed)] if definition.seed else []
    return shlex.join(words + ([] if definition.pruning else ["--no-pruning"]))


def _launch(definition: Definition) -> None:
    with mistakes.kept("refused-sweep"):
        sweep = directory.create(definition)
        directory.start(sweep)
        _open(sweep)
