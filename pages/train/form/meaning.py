"""What the settings mean, answered at once: tokens on a real image, size, cost, schedule, time."""

import time

import streamlit as st
from PIL import Image

from pages.shared import augmented, curves, live_chart, mistakes
from pages.shared.inline import data_url
from pages.shared.live_chart import Series
from vit import cost, forecast, text
from vit.config import RunConfig, share_or_count
from vit.data import catalog
from vit.data.store import DatasetInfo
from vit.errors import ConfigError
from vit.expectation import Expected, band
from vit.forecast import Forecast
from vit.plots import heatmap
from vit.rules import planned_steps, training_images, validate
from vit.runs import speed, status

IMAGE_SIDE = 168  # pixels
CURVE_POINTS = 120
ASKED = "speed_asked"  # when this visitor asked for the speed of which configuration
START_SECONDS = 20  # until a measuring process must have shown itself
REFRESH_SECONDS = 1
NOMINAL_STEPS = 1000  # to draw the schedule of a run whose length isn't known in steps yet


def draw(raw: dict) -> None:
    """Everything that follows from the settings; a sentence instead while they can't work."""
    st.subheader("What this means", anchor=False)
    try:
        config = validate(raw)
    except ConfigError:
        st.markdown("Tokens, size and cost appear here as soon as the settings fit together.")
        return
    image, figures = st.columns([1, 1], gap="medium")
    with image:
        _tokens(config)
    with figures:
        _size(config)
    _schedule(config)
    is_waiting = _is_waiting(config)
    st.fragment(_timing, run_every=REFRESH_SECONDS if is_waiting else None)(config, is_waiting)
    _augmented(config)


def _tokens(config: RunConfig) -> None:
    model = config.model
    image = _image(config.data.source, model.image_size)
    grid = heatmap.token_grid(image, model.patch_size, IMAGE_SIDE)
    alt = f"A training image cut into {model.grid_size} by {model.grid_size} patches"
    st.image(data_url(grid), width="stretch", alt=alt)
    prefix = ["a class token"] if model.pool == "cls" else []
    prefix += [text.counted(model.reg_tokens, "register")] if model.reg_tokens else []
    st.caption(f"{model.grid_size}×{model.grid_size} patches" + (f", {' and '.join(prefix)}" if prefix else ""))


def _size(config: RunConfig) -> None:
    model = config.model
    lines = {
        "tokens": f"{model.num_tokens:,}",
        "parameters": text.compact(cost.num_parameters(model)),
        "FLOPs per image": text.compact(cost.forward_flops(model)),
        "memory for training": text.size(cost.training_memory(model, config.train.batch_size)),
        "classes": f"{model.num_classes:,}",
    }
    with st.container(gap="xsmall"):
        for label, value in lines.items():
            st.markdown(f"**{value}** :gray[{label}]")


def _schedule(config: RunConfig) -> None:
    """The learning rate over the run."""
    info = catalog.describe(config.data.source)
    total = planned_steps(config, info.counts.get("train")) or NOMINAL_STEPS
    warmup = share_or_count(config.train.warmup, total)
    steps = [round(total * point / CURVE_POINTS) for point in range(CURVE_POINTS)]
    rates = [config.train.lr_at(step, total, warmup) for step in steps]
    rise = f"Rises to {config.train.lr:g} over {text.counted(warmup, 'step')}"
    st.markdown("**Learning rate over the run**")
    live_chart.draw(
        [Series("learning rate", "line", curves.significant([100 * step / total for step in steps]), rates)],
        key="schedule",
        x_title="% of the run",
        y_title="",
        alt=f"{rise}, then falls to zero ({config.train.schedule}).",
        height=150,
        legend=False,
    )


def _augmented(config: RunConfig) -> None:
    """The image above as training sees it; nothing is computed while this is closed."""
    opened = st.expander("What augmentation does", key="augmentation", on_change="rerun")
    if opened.open:
        source, model = config.data.source, config.model
        index = catalog.samples(source, "train", 1)[0].index
        with opened, mistakes.shown():
            augmented.draw(source, index, model.image_size, model.in_channels, config.augment)


@st.cache_data(max_entries=20, show_spinner=False)
def _image(source: str, image_size: int) -> Image.Image:
    return catalog.samples(source, "train", 1, image_size=image_size)[0].image


def _timing(config: RunConfig, was_waiting: bool) -> None:
    """What the run is expected to reach, and when; or the way to find out. A new state starts or stops the looking."""
    if _is_waiting(config) != was_waiting:
        st.rerun()
    known = speed.remembered(config)
    info = catalog.describe(config.data.source)
    foretold = forecast.of(config, info.classes, info.counts["train"], info.counts.get("test", 0))
    with st.container(gap="xsmall"):
        if foretold and foretold.reaches:
            _accuracy(foretold.reaches)
        if foretold and known:
            _times(config, info, known, foretold)
    if known is None and was_waiting:
        st.markdown("**Measuring this machine** :gray[takes some seconds, or until a run is done]")
        st.progress(_waited(config), text="Training steps on random images")
    elif known is None:
        images, train = training_images(config, info.counts["train"]), config.train
        per_epoch = text.counted(images // train.batch_size, "step")
        fixed = f" The run takes {train.minutes:g} min." if train.minutes is not None else ""
        st.caption(f"{images:,} training images, {per_epoch} per epoch.{fixed}")
        st.button("Measure the speed", key="measure", icon=":material/speed:", on_click=_measure, args=(config,))


def _accuracy(reaches: Expected) -> None:
    similar = text.counted(reaches.count, "similar run")
    st.markdown(f"**{band(reaches)}** :gray[val accuracy expected (80% band, from {similar})]")


def _times(config: RunConfig, info: DatasetInfo, known: speed.Speed, foretold: Forecast) -> None:
    """The measured speed and what follows from it."""
    images, seconds = training_images(config, info.counts["train"]), foretold.seconds or 0.0
    epochs = foretold.total_steps / max(1, images // config.train.batch_size)
    length = f", {epochs:.3g} epochs" if config.train.epochs is None else ""
    done = f"**Done ~{text.clock(time.time() + seconds)}**", f"after {text.duration(seconds)} in all{length}"
    waits = f"**{text.duration(seconds)}**", f"in all once its turn comes{length}"
    figure, meaning = waits if status.active() else done
    lines = {
        figure: meaning,
        f"**{known.training:,.0f} images/s**": "measured on this machine",
        f"**{text.duration(images / known.training)}**": f"per epoch of {images:,} images",
    }
    for figure, meaning in lines.items():
        st.markdown(f"{figure} :gray[{meaning}]")


def _measure(config: RunConfig) -> None:
    with mistakes.kept():
        speed.measure(config)
    st.session_state[ASKED] = (speed.key(config), time.time())


def _is_waiting(config: RunConfig) -> bool:
    """Whether the answer is on its way."""
    return speed.remembered(config) is None and (speed.is_measuring(config) or _waited(config) < 1.0)


def _waited(config: RunConfig) -> float:
    """Share of the usual time that has passed since this visitor asked."""
    key, asked = st.session_state.get(ASKED, ("", 0.0))
    return min(1.0, (time.time() - asked) / START_SECONDS) if key == speed.key(config) else 1.0
