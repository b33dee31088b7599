"""How long the run will take on this machine: measured, not guessed."""

import time

import streamlit as st

from pages.shared import words
from vit import expectation
from vit.config import RunConfig
from vit.data import catalog
from vit.rules import planned_steps, training_images
from vit.runs import speed

ASKED = "speed_asked"  # when this visitor asked for which configuration
START_SECONDS = 20  # until a measuring process must have shown itself
REFRESH_SECONDS = 1


def draw(config: RunConfig) -> None:
    """Speed, time per epoch and the likely end; or the way to find out."""
    is_waiting = _is_waiting(config)
    st.fragment(_answer, run_every=REFRESH_SECONDS if is_waiting else None)(config, is_waiting)


def _answer(config: RunConfig, was_waiting: bool) -> None:
    """The three states; when one follows another, the page starts or stops looking."""
    if _is_waiting(config) != was_waiting:
        st.rerun()
    known = speed.remembered(config)
    images = training_images(config, catalog.describe(config.data.source).counts["train"])
    if known is not None:
        _times(config, known, images)
    elif was_waiting:
        st.markdown("**Measuring this machine** :gray[takes some seconds, or until a run is done]")
        st.progress(_waited(config), text="Real training steps on made-up pictures")
    else:
        _unknown(config, images)


def _times(config: RunConfig, images_per_second: float, images: int) -> None:
    """The measured speed and what follows from it."""
    seconds = _seconds(config, images_per_second)
    lines = {f"**{images_per_second:,.0f} images/s**": "measured on this machine"}
    lines[f"**{words.duration(images / images_per_second)}**"] = f"per epoch of {images:,} pictures"
    lines[f"**Done ~{words.clock(time.time() + seconds)}**"] = _reach(config, seconds, images_per_second, images)
    info = catalog.describe(config.data.source)
    expected = expectation.accuracy(config, info, seconds * images_per_second / images)
    if expected is not None:
        lines[f"**~{words.percent(expected, 0)}**"] = "test accuracy to expect, from runs of this preset"
    with st.container(gap="xsmall"):
        for figure, meaning in lines.items():
            st.markdown(f"{figure} :gray[{meaning}]")


def _seconds(config: RunConfig, images_per_second: float) -> float:
    """How long the training takes."""
    if config.train.minutes is not None:
        return 60 * config.train.minutes
    steps = planned_steps(config, catalog.describe(config.data.source).counts["train"])
    return steps * config.train.batch_size / images_per_second


def _reach(config: RunConfig, seconds: float, images_per_second: float, images: int) -> str:
    """The run's length in the terms that weren't chosen."""
    if config.train.epochs is not None:
        return f"after {words.duration(seconds)}"
    return f"after {words.duration(seconds)}, {seconds * images_per_second / images:.3g} epochs"


def _unknown(config: RunConfig, images: int) -> None:
    steps = f"{images:,} training pictures, {images // config.train.batch_size:,} steps per epoch."
    fixed = f" The run takes {config.train.minutes:g} min." if config.train.minutes is not None else ""
    st.caption(steps + fixed)
    st.button("Measure the speed", key="measure", icon=":material/speed:", on_click=_measure, args=(config,))


def _measure(config: RunConfig) -> None:
    speed.measure(config)
    st.session_state[ASKED] = (speed.key(config), time.time())


def _is_waiting(config: RunConfig) -> bool:
    """Whether the answer is on its way."""
    return speed.remembered(config) is None and (speed.is_measuring(config) or _waited(config) < 1.0)


def _waited(config: RunConfig) -> float:
    """Share of the usual time that has passed since this visitor asked."""
    key, asked = st.session_state.get(ASKED, ("", 0.0))
    return min(1.0, (time.time() - asked) / START_SECONDS) if key == speed.key(config) else 1.0
