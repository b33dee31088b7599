"""Chapter 5: self-attention, with numbers that can be checked by hand."""

from pathlib import Path

import streamlit as st

from pages.learn import lesson
from pages.learn.lesson import Part
from pages.learn.reader import Reader, cached
from pages.learn.tensors import packed
from pages.shared import component
from pages.shared.inline import data_url
from pages.shared.viewer.viewer import prefix_names
from vit.config import ModelConfig
from vit.plots import scale

KEY = "attention"
MOST_BYTES = 800_000  # of all layers; above it, the browser gets the chosen one alone

_figure = component.register("vit_lab_attend", Path(__file__).with_suffix(".js"))


def draw(reader: Reader) -> None:
    """What queries, keys and values are, one weight by hand, and all heads."""
    config = reader.config
    around = " and a little of what lies around it" if config.is_hybrid else ""
    lesson.prose(
        f"Before the first layer a token knows its own patch{around} and nothing else. In self-attention it takes in "
        f"what others contain. Each token makes three vectors of {config.head_dim} numbers: a **query** (what it looks "
        "for), a **key** (what it can be found by) and a **value** (what it passes on). "
        "A query that points in the same direction as a key gives a high score, and the softmax turns the scores into "
        "weights that sum to 1."
    )
    answered = lesson.question(KEY, *question(config))
    layer = chosen_layer(config)
    _figure(key=KEY, data=figure(reader, layer) | {"answered": answered}, on_layer_change=lambda: None)
    lesson.prose(words(config))
    lesson.formula(KEY, *formula(config))
    lesson.try_it(
        "See all layers and heads of this model at once, on this image.",
        "attention",
        "Open Attention with this model and image",
        ":material/visibility:",
        reader.query | {"tab": "Look"},
    )


def chosen_layer(config: ModelConfig) -> int:
    """The layer that the figure asks for, if the model has it."""
    layer = (st.session_state.get(KEY) or {}).get("layer")
    return layer if isinstance(layer, int) and 0 <= layer < config.depth else 0


def layers_sent(config: ModelConfig, chosen: int) -> list[int]:
    """All layers where they are small enough, else the chosen one."""
    size = 3 * 4 * config.num_tokens * config.embed_dim  # bytes of a layer: queries, keys and values in float32
    return list(range(config.depth)) if size * config.depth <= MOST_BYTES else [chosen]


def question(config: ModelConfig) -> tuple[str, list[str], int, str]:
    """The question, the answers, the place of the right one, and why."""
    options = [
        f"All {config.num_tokens} become equal",
        "The largest goes to 1 and the others to 0",
        "All go to 0",
    ]
    because = (
        "Dividing by a small number drives the scores apart, and softmax gives everything to the largest, or to all "
        "of them if several are equal. A high temperature makes the scores alike; equal scores give equal weights of "
        f"1 / {config.num_tokens}. The model itself has a temperature of 1. Try it in the figure."
    )
    words = "The scores are divided by a *temperature* before the softmax. What do the weights do when it goes to 0?"
    return words, options, 1, because


def words(config: ModelConfig) -> str:
    """How to check a weight, and what heads are."""
    count, width = config.num_heads, config.head_dim
    heads = (
        f"Each layer does this {count} times side by side, in {count} **heads** of {width} numbers each "
        f"({count} · {width} = {config.embed_dim}), and each head has weights of its own. Their results are laid "
        "side by side and pass one more linear layer."
        if count > 1
        else "This model has one head in each layer, so one set of weights; most models have several side by side."
    )
    rotated = " Queries and keys are already rotated by the places of their tokens." * (config.pos_embed == "rope")
    return (
        "To check a weight by hand, follow a row of the table. Divide q·k by the square root of the "
        f"{width} numbers, subtract the largest score, take the exponential, and divide it by the sum over all "
        f"{config.num_tokens} tokens. (Subtracting the largest changes no weight; it keeps the exponentials small.) "
        f"The weighted sum of all values is what the token takes in.{rotated}\n\n{heads}"
    )


def formula(config: ModelConfig) -> tuple[str, dict[str, Part], object]:
    """Attention of all heads at once."""
    from vit.model import Attention

    count, tokens, width = config.num_heads, config.num_tokens, config.head_dim
    vectors = f"(1, {count}, {tokens}, {width})"
    parts = {
        "a": Part(
            "A", "the weights; each row sums to 1", "(B, h, N, N)", f"(1, {count}, {tokens}, {tokens})", "softmax("
        ),
        "q": Part("Q", "queries", "(B, h, N, d)", vectors, "query, key, value"),
        "k": Part("K", "keys", "(B, h, N, d)", vectors, "query @ key"),
        "d": Part("d", "numbers per head", "D / h", f"{config.embed_dim} / {count} = {width}"),
        "v": Part("V", "values", "(B, h, N, d)", vectors),
        "o": Part("O", "what each token takes in", "(B, h, N, d)", vectors),
    }
    weights = r"<a> = \mathrm{softmax}\!\left(\frac{<q> <k>^{\mathsf{T}}}{\sqrt{<d>}}\right)"
    return weights + r", \qquad <o> = <a> <v>", parts, Attention.explicit


@cached()
def figure(reader: Reader, layer: int) -> dict:
    """What the figure gets: queries, keys and values, exact to the last bit."""
    config = reader.config
    return {
        "own": str(reader.answer.key),
        "photo": data_url(reader.answer.crop, "PNG" if reader.answer.crop.width <= 64 else "JPEG"),
        "grid": config.grid_size,
        "depth": config.depth,
        "heads": config.num_heads,
        "width": config.head_dim,
        "layer": layer,
        "prefix": prefix_names(reader.trace),
        "scale": vars(scale.attention(config.num_tokens)),
        "tensors": {str(sent): _packed(reader, sent) for sent in layers_sent(config, layer)},
    }


def _packed(reader: Reader, layer: int) -> list[str]:
    """Queries, keys and values of a layer."""
    from vit.learn.attention import heads_of

    return [packed(part) for part in vars(heads_of(reader.loaded()[0], reader.trace, layer)).values()]
