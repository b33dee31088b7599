"""Chapter 4: without position embeddings the order of the tokens is lost."""

from pathlib import Path

from pages.learn import lesson
from pages.learn.lesson import Part
from pages.learn.reader import Reader, cached
from pages.learn.tensors import packed
from pages.shared import component
from pages.shared.inline import data_url
from vit.config import ModelConfig

KEY = "position"

_figure = component.register("vit_lab_position", Path(__file__).with_suffix(".js"))


def draw(reader: Reader) -> None:
    """What the order of tokens means to the model, and what its position embeddings say about places."""
    config = reader.config
    lesson.prose(
        "Attention compares tokens by what they contain and sums over all of them. Such a sum has no order, so a "
        "transformer by itself doesn't know which patch lies beside which. A **position embedding** tells it: each "
        "place has a vector of its own, which is added to the token that lies there."
    )
    answered = lesson.question(KEY, *question(config))
    _figure(key=KEY, data=figure(reader) | {"answered": answered})
    lesson.prose(words(config))
    lesson.formula(KEY, *formula(config))
    other, name = ("learned", "learned positions") if config.pos_embed == "none" else ("none", "no positions")
    lesson.try_it(
        f"Train a model with {name}, and compare its accuracy with that of yours.",
        "train",
        f"Open the form with {name}",
        ":material/model_training:",
        {"preset": "1-minute", "model.pos_embed": other},
    )


def question(config: ModelConfig) -> tuple[str, list[str], int, str]:
    """The question, the answers, the place of the right one, and why."""
    options = [
        "The same as before, to the last digits",
        "Another class: the image is destroyed",
        "Nothing certain: all classes become equally likely",
    ]
    reads = "the class token attends to all patches" if config.pool == "cls" else "the mean is taken over all patches"
    because = (
        f"Every layer treats all patches alike, and at the end {reads}, in whatever order they come. Only the last "
        "digits can differ, because a computer's sums are rounded."
    )
    return "All patches are shuffled. What does a model without position embeddings answer?", options, 0, because


def words(config: ModelConfig) -> str:
    """What is shuffled, and how this model knows about places."""
    stem = " Behind a convolutional stem a token already knows a little about its neighbors." * config.is_hybrid
    shuffled = (
        f"The figure shuffles the {config.num_patches} **tokens behind the patch embedding**, not the pixels.{stem} "
        + KEPT[config.pos_embed == "rope"]
    )
    return f"{shuffled}{WITHOUT[config.pos_embed == 'none']}\n\n{LEARNT[config.pos_embed].format(config=config)}"


KEPT = (
    "Each place keeps its position embedding. *Without* means that zeros are added instead",
    "Each place keeps the angles by which it rotates queries and keys. *Without* means that nothing is rotated",
)
WITHOUT = (
    "; a model that was trained with positions may then answer something else, but shuffling changes it no further.",
    ", which is what this model always does.",
)
LEARNT = {
    "learned": (
        "This model's positions are **learned**: {config.num_tokens} · {config.embed_dim} numbers that begin as noise. "
        "Nothing tells the model that the image has rows and columns. With enough training, neighbors become alike. "
        "**Sine-cosine** positions are computed instead, from waves of {config.embed_dim} / 4 lengths "
        "along each side."
    ),
    "sincos2d": (
        "This model's positions are **sine-cosine**: computed from waves of {config.embed_dim} / 4 lengths along each "
        "side, and never trained. So both maps are the same here. A model can also learn them, beginning with noise."
    ),
    "rope": (
        "This model's positions are **rotary**: nothing is added to the tokens. Every block rotates its queries and "
        "keys by angles that grow with row and column, so that what two patches make of each other depends on how "
        "far apart they are. So there is one map only, that of **sine-cosine** positions of its size, which are "
        "computed from waves of {config.embed_dim} / 4 lengths along each side."
    ),
    "none": (
        "This model has no positions, so there is one map only: that of **sine-cosine** positions of its size, which "
        "are computed from waves of {config.embed_dim} / 4 lengths along each side. Others learn their positions."
    ),
}


def formula(config: ModelConfig) -> tuple[str, dict[str, Part], object]:
    """The sequence that enters the encoder."""
    from vit.model import VisionTransformer

    width, tokens, first = config.embed_dim, config.num_tokens, config.num_prefix_tokens
    parts = {"z": Part("z_0", "what enters the encoder", "(B, N, D)", f"(1, {tokens}, {width})", "torch.cat")}
    if first:
        names = [*["class token"] * (config.pool == "cls"), *["registers"] * (config.reg_tokens > 0)]
        shape = f"(1, {first}, {width})"
        parts["c"] = Part(r"x_{\mathrm{prefix}}", " and ".join(names), "(B, n, D)", shape, "prefix = ")
    shape = f"(1, {config.num_patches}, {width})"
    parts["x"] = Part(
        "x", "tokens of the patches", "(B, N − n, D)" if first else "(B, N, D)", shape, "self.patch_embed("
    )
    if config.adds_positions:
        shape = f"(1, {tokens}, {width})"
        parts["e"] = Part(r"E_{\mathrm{pos}}", "position embeddings", "(1, N, D)", shape, "self.pos_embed")
    sequence = r"[\,<c>;\; <x>\,]" if first else "<x>"
    positions = r" + <e>\," if "e" in parts else ""  # the space keeps the slanted end inside its box
    return f"<z> = {sequence}{positions}", parts, VisionTransformer.embed


@cached()
def figure(reader: Reader) -> dict:
    """What the figure gets: orders, the answers to each, and the directions of all positions."""
    from vit.learn import position

    model, image = reader.loaded()
    found, own = position.shuffles(model, image), position.own_directions(model)
    return {
        "key": str(reader.answer.key),
        "photo": data_url(reader.answer.prediction.seen),
        "grid": reader.config.grid_size,
        "classes": reader.info.classes,
        "orders": found.orders.tolist(),
        "given": found.given.tolist(),
        "without": found.without.tolist(),
        "hasPositions": model.config.pos_embed != "none",
        "own": None if own is None else packed(own),
        "fixed": packed(position.sincos_directions(model)),
    }
