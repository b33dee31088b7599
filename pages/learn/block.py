"""Chapter 6: norm, attention, residual, norm, MLP, residual."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from pages.learn import lesson
from pages.learn.lesson import Part
from pages.learn.reader import Reader, cached
from pages.shared import component
from pages.shared.curves import significant
from pages.shared.inline import data_url
from pages.shared.literal import literal
from pages.shared.viewer.viewer import prefix_names
from vit import text
from vit.config import ModelConfig

if TYPE_CHECKING:
    from torch import Tensor

    from vit.learn.block import Additions, Passage

KEY = "block"
MOST_NUMBERS = 1 << 19  # of tokens that a browser gets, in 16 bits each
FEWEST_SHOWN = 4  # numbers of a token
CUTS = ["attention switched off", "the MLP switched off", "both residual connections cut"]

_figure = component.register("vit_lab_block", Path(__file__).with_suffix(".js"))


def draw(reader: Reader) -> None:
    """What a block does to a token, what its parts add to the answer, and what is lost without them."""
    lesson.prose(
        "The encoder is a stack of equal blocks. A block has two branches. **Attention** lets each token read the "
        "others. The **MLP** then works on each token by itself. Neither of them replaces the token: what a branch "
        "gives is *added* to it. The way past a branch is called a **residual connection**."
    )
    answered = lesson.question(KEY, *question(reader))
    _figure(key=KEY, data=figure(reader) | locked(reader, answered))
    lesson.prose(words(reader))
    lesson.formula(KEY, *formula(reader.config))
    lesson.try_it(
        "Switch off whole branches and single heads, several at a time, and see when this answer breaks.",
        "attention",
        "Ablate this model on this image",
        ":material/toggle_off:",
        reader.query | {"tab": "Ablate"},
    )


@cached()
def passage(reader: Reader) -> "Passage":
    """This image on its way through the blocks."""
    from vit.learn import block

    return block.passage(*reader.loaded())


@cached()
def probabilities(reader: Reader) -> "Tensor":
    """Of all classes with each cut in each block, (L, 3, K)."""
    from vit.learn import block

    return block.without(reader.loaded()[0], passage(reader)).softmax(-1)


@cached()
def additions(reader: Reader) -> "Additions":
    """What adds up to the logit of the predicted class."""
    from vit.learn import block

    return block.additions(*reader.loaded(), predicted(reader))


def predicted(reader: Reader) -> int:
    """The class that the model answers."""
    shares = reader.answer.prediction.probabilities
    return shares.index(max(shares))


def question(reader: Reader) -> tuple[str, list[str], int, str]:
    """Which cut in the first block changes this answer most; the right one is what this model does."""
    place = predicted(reader)
    whole, cut = reader.answer.prediction.probabilities[place], probabilities(reader)[0, :, place].tolist()
    changes = [abs(share - whole) for share in cut]
    name = literal(reader.info.classes[place])
    shares = ", ".join(f"{text.percent(share)} with {what}" for share, what in zip(cut, CUTS, strict=True))
    because = (
        f"The probability of {name} is {text.percent(whole)} in the whole model, {shares}. Without residual "
        "connections the token itself is lost, and only what the two branches make of it goes on."
    )
    words = f"Block 0 is damaged, all else stays. What changes the probability of *{name}* most?"
    return words, [what[0].upper() + what[1:] for what in CUTS], changes.index(max(changes)), because


def words(reader: Reader) -> str:
    """What the numbers are for this model and image."""
    config, parts = reader.config, additions(reader)
    name = literal(reader.info.classes[predicted(reader)])
    attention, mlp = (sum(pair[place] for pair in parts.branches) for place in (0, 1))
    return (
        f"This model has {text.counted(config.depth, 'block')}, and a token is **{config.embed_dim} numbers** at every "
        "stage. Before each branch, LayerNorm shifts and scales these numbers to mean 0 and deviation 1; then a "
        "learned weight and bias apply to each. The branch sees this copy. The token itself is not normalized, so it "
        "keeps what was added before.\n\n"
        "Because everything is added, the answer can be split into its parts, if the scale of the last norm is taken "
        f"as it is for this image. For *{name}* the logit is **{parts.total:.2f}**: attention adds {signed(attention)} "
        f"in all blocks together and the MLPs {signed(mlp)}. The tokens before block 0 add {signed(parts.embedding)}, "
        f"and biases {signed(parts.bias)}."
    )


def signed(value: float) -> str:
    """``−0.52``, ``+1.20``, and ``0.00`` without a sign."""
    return f"{value:+.2f}".replace("-", "−") if abs(value) >= 0.005 else "0.00"


def formula(config: ModelConfig) -> tuple[str, dict[str, Part], object]:
    """Equations 2 and 3 of the paper."""
    from vit.model import Block

    letters, numbers = "(B, N, D)", f"(1, {config.num_tokens}, {config.embed_dim})"
    heads, hidden = (
        text.counted(config.num_heads, "head"),
        f"{config.embed_dim} → {config.mlp_dim} → {config.embed_dim}",
    )
    parts = {
        "x": Part("x", "the tokens that come in", letters, numbers, "def forward"),
        "ln": Part(r"\mathrm{LN}", "norm of each token", letters, numbers, "nn.LayerNorm"),
        "msa": Part(r"\mathrm{MSA}", f"attention, {heads}", letters, numbers, "Attention("),
        "m": Part("x'", "tokens after attention", letters, numbers, "x = x["),
        "mlp": Part(r"\mathrm{MLP}", "two linear layers, GELU between", "D → M → D", hidden, "Mlp("),
        "y": Part("y", "tokens that go out", letters, numbers, "return x +"),
    }
    lines = r"<m> &= <x> + <msa>\big(<ln>(<x>)\big) \\ <y> &= <m> + <mlp>\big(<ln>(<m>)\big)"
    return rf"\begin{{aligned}} {lines} \end{{aligned}}", parts, Block


def stages(config: ModelConfig) -> list[tuple[str, str]]:
    """What the stages are called, and what happens there."""
    norm = "LayerNorm sets the token to mean 0 and deviation 1, then applies a learned weight and bias to each number."
    mlp = f"{config.embed_dim} numbers become {config.mlp_dim} and {config.embed_dim} again; no other token takes part."
    return [
        ("x", "The token as it comes into the block."),
        ("Norm 1", norm),
        ("Attention", "What the token reads from all tokens, itself included."),
        ("x + attention", "Added to the token: the residual connection."),
        ("Norm 2", norm),
        ("MLP", mlp),
        ("x′ + MLP", "Added again. This token goes on."),
    ]


@cached()
def figure(reader: Reader) -> dict:
    """What the figure gets: the tokens at all stages, and what the branches add to the answer."""
    found, config, parts = passage(reader), reader.config, additions(reader)
    shown = min(config.embed_dim, max(FEWEST_SHOWN, MOST_NUMBERS * config.embed_dim // found.numbers.numel()))
    return {
        "photo": data_url(reader.answer.prediction.seen),
        "grid": config.grid_size,
        "depth": config.depth,
        "dim": config.embed_dim,
        "shown": shown,
        "prefix": prefix_names(reader.trace),
        "stages": stages(config),
        "numbers": base64.b64encode(found.numbers[..., :shown].half().numpy().tobytes()).decode(),
        "lengths": significant(found.lengths.flatten().tolist()),
        "cosines": significant(found.cosines.flatten().tolist()),
        "class": reader.info.classes[predicted(reader)],
        "adds": significant([parts.embedding, *(value for pair in parts.branches for value in pair), parts.bias]),
        "logit": parts.total,
        "whole": named(reader, reader.answer.prediction.probabilities),
    }


def locked(reader: Reader, answered: bool) -> dict:
    """What is sent only after the answer: the likeliest classes with each cut in each block."""
    if not answered:
        return {"cuts": None}
    return {"cuts": [[named(reader, row) for row in layer] for layer in probabilities(reader).tolist()]}


def named(reader: Reader, shares: list[float] | tuple[float, ...], most: int = 3) -> list[tuple[str, float]]:
    """The likeliest classes and the predicted one, with their probabilities."""
    own = predicted(reader)
    order = sorted(range(len(shares)), key=lambda place: -shares[place])[:most]
    order += [] if own in order else [own]
    return [(reader.info.classes[place], round(shares[place], 4)) for place in order]
