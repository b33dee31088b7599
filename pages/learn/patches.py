"""Chapter 2: an image becomes a sequence of patches."""

from pathlib import Path

import streamlit as st

from pages.learn import lesson
from pages.learn.lesson import Part
from pages.learn.reader import Reader
from pages.shared import component
from pages.shared.inline import data_url
from vit.config import ModelConfig

KEY = "patches"
FEWEST_PIXELS, MOST_PATCHES = 2, 1024

_figure = component.register("vit_lab_patches", Path(__file__).with_suffix(".js"))


def draw(reader: Reader) -> None:
    """Why patches, how many there are, and what one consists of."""
    lesson.prose(
        "A transformer was made for sentences: it reads a *sequence of tokens*. An image has no words, but it can be "
        "cut into small squares, and each square can take the place of a word. That is the whole idea of the paper's "
        "title, *An Image is Worth 16x16 Words*."
    )
    answered = lesson.question(KEY, *question(reader.config))
    _figure(key=KEY, data=figure(reader, answered), on_size_change=lambda: None)
    chosen = (st.session_state.get(KEY) or {}).get("size")
    config = with_size(reader.config, chosen)
    lesson.prose(words(config, is_own=config.patch_size == reader.config.patch_size))
    lesson.formula(KEY, *formula(config))
    lesson.try_it(
        f"Train a model with patches of another size, and see what half as many pixels cost in time. Yours has "
        f"{reader.config.patch_size} × {reader.config.patch_size}.",
        "train",
        "Open the form with patches of 8 pixels",
        ":material/model_training:",
        {"preset": "1-minute", "model.patch_size": "8"},
    )


def with_size(config: ModelConfig, size: int | None) -> ModelConfig:
    """The same model with patches of another size, if one was chosen that fits."""
    return config.model_copy(update={"patch_size": size}) if size in sizes(config) else config


def sizes(config: ModelConfig) -> list[int]:
    """The patch sizes that divide the image, the model's own among them."""
    side = config.image_size
    fitting = [size for size in range(FEWEST_PIXELS, side) if side % size == 0 and (side // size) ** 2 <= MOST_PATCHES]
    return sorted({*(size for size in fitting if size & (size - 1) == 0), config.patch_size})


def question(config: ModelConfig) -> tuple[str, list[str], int, str]:
    """The question, the answers, the place of the right one, and why."""
    count = config.num_patches
    options = [f"{2 * count}, twice as many", f"{4 * count}, four times as many", f"{count}, as many"]
    because = (
        "Half the side cuts each patch into four. Attention compares every token with every other one, so it then has "
        "sixteen times as many pairs to compare."
    )
    words = f"This model cuts its image into {count} patches. With patches half as wide, how many are there?"
    return words, options, 1, because


def words(config: ModelConfig, is_own: bool) -> str:
    """What the numbers are for this configuration."""
    side, grid, size = config.image_size, config.grid_size, config.patch_size
    length = size * size * config.in_channels
    begin = "This model sees" if is_own else f"With patches of {size} × {size} pixels, a model sees"
    stem = ""
    if config.is_hybrid:
        convolutions = len(config.stem_widths) + sum(config.stem_residuals)
        stem = (
            f"\n\nThis model has a **convolutional stem**: {convolutions} small convolutions look at the image first "
            f"and shrink it by {config.stem_reduction}. The patches are cut from what they give, so a token knows a "
            "little about the pixels around its own patch."
        )
    return (
        f"{begin} an image of {side} × {side} pixels as {grid} rows of {grid} patches: **{config.num_patches} "
        f"patches**, each of {size} × {size} pixels with {config.in_channels} colors, which is **{length} numbers**. "
        "The patches are read row by row. The order is all that the sequence keeps of their places; chapter 4 is about "
        f"that.{stem}"
    )


def formula(config: ModelConfig) -> tuple[str, dict[str, Part], object]:
    """How many patches there are, and how long each is."""
    from vit.model import PatchEmbed

    side, size, channels = config.image_size, config.patch_size, config.in_channels
    parts = {
        "x": Part("x", "the image", "(B, C, H, W)", f"(1, {channels}, {side}, {side})", "contiguous"),
        "xp": Part(
            "x_p", "its patches", "(B, N, P²C)", f"(1, {config.num_patches}, {size * size * channels})", "self.proj("
        ),
        "n": Part("N", "number of patches", "HW / P²", f"{side}·{side} / {size}² = {config.num_patches}", "flatten"),
        "p": Part("P", "side of a patch, in pixels", "P", f"{size}", "kernel_size"),
    }
    shapes = r"<x> \in \mathbb{R}^{H \times W \times C} \;\to\; <xp> \in \mathbb{R}^{<n> \times (<p>^2 \cdot C)}"
    return rf"\begin{{gathered}} {shapes} \\ <n> = \frac{{H \, W}}{{<p>^2}} \end{{gathered}}", parts, PatchEmbed


def figure(reader: Reader, answered: bool) -> dict:
    """What the figure gets: the image as the model sees it, and the sizes to choose from."""
    return {
        "photo": data_url(reader.answer.prediction.seen),
        "own": f"{reader.answer.key}",
        "side": reader.config.image_size,
        "channels": reader.config.in_channels,
        "size": reader.config.patch_size,
        "sizes": sizes(reader.config),
        "answered": answered,
    }
