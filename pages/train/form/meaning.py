"""What the settings mean, answered at once: tokens on a real picture, size, cost, schedule, time."""

import streamlit as st
from PIL import Image

from pages.shared import curves, live_chart, words
from pages.shared.inline import data_url
from pages.shared.live_chart import Series
from pages.train.form import timing
from vit import cost, text
from vit.config import ModelConfig, RunConfig, share_or_count
from vit.data import catalog
from vit.errors import ConfigError
from vit.plots import heatmap
from vit.rules import planned_steps, validate

PICTURE_SIDE = 168  # pixels
CURVE_POINTS = 120
NOMINAL_STEPS = 1000  # to draw the schedule of a run whose length isn't known in steps yet


def draw(raw: dict, problems: dict) -> None:
    """Everything that follows from the settings; a sentence instead while they can't work."""
    st.subheader("What this means", anchor=False)
    try:
        config = validate(raw)
    except ConfigError:
        st.markdown("Tokens, size and cost appear here as soon as the settings fit together.")
        return
    picture, figures = st.columns([1, 1], gap="medium")
    with picture:
        _tokens(config)
    with figures:
        _size(config)
    _schedule(config)
    timing.draw(config)


def _tokens(config: RunConfig) -> None:
    model = config.model
    picture = _picture(config.data.source, model.image_size)
    grid = heatmap.token_grid(picture, model.patch_size, PICTURE_SIDE)
    alt = f"A training picture cut into {model.grid_size} by {model.grid_size} patches"
    st.image(data_url(grid), width="stretch", alt=alt)
    prefix = [*(["a class token"] if model.pool == "cls" else []), *_registers(model)]
    st.caption(f"{model.grid_size}×{model.grid_size} patches" + (f", {' and '.join(prefix)}" if prefix else ""))


def _registers(model: ModelConfig) -> list[str]:
    return [words.counted(model.reg_tokens, "register")] if model.reg_tokens else []


def _size(config: RunConfig) -> None:
    model = config.model
    memory = text.size(cost.training_memory(model, config.train.batch_size))
    lines = {
        "tokens": f"{model.num_tokens:,}",
        "parameters": words.compact(cost.num_parameters(model)),
        "FLOP per picture": words.compact(cost.forward_flops(model)),
        "memory for training": memory,
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
    st.markdown("**Learning rate over the run**")
    live_chart.draw(
        [Series("learning rate", "line", curves.significant([100 * step / total for step in steps]), rates)],
        key="schedule",
        x_title="% of the run",
        y_title="",
        alt=f"Rises to {config.train.lr:g} over {warmup:,} steps, then falls to zero ({config.train.schedule}).",
        height=150,
        legend=False,
    )


@st.cache_data(max_entries=20, show_spinner=False)
def _picture(source: str, image_size: int) -> Image.Image:
    return catalog.samples(source, "train", 1, image_size=image_size)[0].image
