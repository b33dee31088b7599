"""The second part of chapter 8: a recipe that fails on purpose, repaired change by change."""

import math
import statistics

import streamlit as st

from pages.learn import lesson
from pages.shared import live_chart
from pages.shared.launching import TRAIN_PAGE
from pages.shared.live_chart import Series
from vit import text
from vit.learn import repair
from vit.learn.repair import PRESET, RUNGS, Figures

CHANCE = math.log(10)
WORDS = f"""## A run that fails

The tutorial that this project comes from prints its losses: 2.76, 2.33, 2.32, 2.32 and 6.06 after five epochs. Guessing
among ten classes gives ln 10 = {CHANCE:.2f}. So its model never learned anything, and the tutorial does not notice. It
prints no settings. The recipe here is **ours**, made to fail in the same way; the printed losses are the tutorial's.

Go through the repairs one by one. Each keeps the changes before it."""


def draw() -> None:
    """The story, and for the chosen repair its curve against the one before."""
    lesson.prose(WORDS)
    names = [rung.name for rung in RUNGS]
    chosen = st.segmented_control(
        "Repair",
        names,
        default=names[0],
        key="repair",
        bind="query-params",
        required=True,
        label_visibility="collapsed",
    )
    place = names.index(chosen) if chosen in names else 0
    found = recorded()
    if found:
        live_chart.draw(
            curves(found, place),
            key="repairs",
            x_title="step",
            y_title="train loss",
            alt=outcome(found, place),
            height=260,
            log=True,
        )
        steps = found.of(place)[0].steps[-1]
        st.caption(f"Recorded by bench/repair.py: CIFAR-10 (JPEG copy), {steps} steps of 64 images.")
        lesson.prose(f"**{RUNGS[place].name}.** {RUNGS[place].why} {outcome(found, place)}")
    if place:
        query = {"preset": PRESET} | {name: str(value) for name, value in repair.settings(place).items()}
        st.page_link(TRAIN_PAGE, label="Open the form with these settings", icon=":material/tune:", query_params=query)


@st.cache_resource(show_spinner=False)
def recorded() -> Figures | None:
    """The recorded runs."""
    return repair.recorded()


def curves(found: Figures, place: int) -> list[Series]:
    """Mean over the seeds, with the rung before it, and what guessing gives."""
    ends = [float(found.of(place)[0].steps[0]), float(found.of(place)[0].steps[-1])]
    series = [Series("guessing", "chance", ends, [CHANCE, CHANCE])]
    series += [Series(f"seed {run.seed}", "raw", run.steps, run.losses) for run in found.of(place)]
    if place:
        series.append(Series(RUNGS[place - 1].name, "ghost", *mean(found, place - 1)))
    return [*series, Series(RUNGS[place].name, "train", *mean(found, place))]


def mean(found: Figures, place: int) -> tuple[list[int], list[float]]:
    """The curve of a rung, mean over its seeds."""
    runs = found.of(place)
    return runs[0].steps, [statistics.mean(values) for values in zip(*(run.losses for run in runs), strict=True)]


def outcome(found: Figures, place: int) -> str:
    """What came out, and what the change did."""
    seeds = text.counted(len(found.of(place)), "seed")
    loss, accuracy = found.last_loss(place), text.percent(found.val_accuracy(place))
    now = f"The last loss is {loss:.2f}, and {accuracy} of the validation images are right (mean of {seeds})."
    if not place:
        return now
    before = found.last_loss(place - 1)
    return f"{now} Before this change the last loss was {before:.2f}."
