"""Chapter 7: one image through the whole model, and what each layer would already say."""

from pathlib import Path
from typing import TYPE_CHECKING

from pages.learn import lesson
from pages.learn.block import named, predicted
from pages.learn.lesson import Part
from pages.learn.reader import Reader, cached
from pages.shared import component
from pages.shared.curves import significant
from pages.shared.inline import data_url
from pages.shared.literal import literal
from vit import text
from vit.config import ModelConfig

if TYPE_CHECKING:
    from vit.learn.whole import Stage

KEY = "model"
ALIKE = 1.1  # times as many parameters that still count as about as many
CLEARLY = ["Attention, clearly", "The MLPs, clearly", "Attention and MLPs, about as many each", "All the rest together"]
NAMES = {
    "embedding": "the embedding",
    "attention": "attention",
    "mlp": "the MLPs",
    "norms": "norms",
    "head": "the head",
}
POOLS = {"cls": "the class token", "mean": "the mean of the patch tokens"}
POSITIONS = {
    "learned": "A learned position is added to each.",
    "sincos2d": "A fixed pattern of sines and cosines is added for each place.",
    "rope": "Nothing is added: every block rotates queries and keys by their place.",
    "none": "This model adds no positions.",
}
FORMULAS = {
    "cls": r"<pool> &= \mathrm{LN}\big(<blocks>(<z0>)\big)_{0} \\ <y> &= W\,<pool> + b",
    "mean": r"<pool> &= \operatorname*{mean}_{\text{patches}} <blocks>(<z0>) \\ <y> &= W\,\mathrm{LN}(<pool>) + b",
}

_figure = component.register("vit_lab_whole", Path(__file__).with_suffix(".js"))


def draw(reader: Reader) -> None:
    """All stages of the model for one image, and where its parameters are."""
    lesson.prose(
        "All pieces are there; now they are put together. The image becomes tokens, the tokens go through "
        f"{text.counted(reader.config.depth, 'block')} one after the other, and a single linear layer, the **head**, "
        "turns a summary of them into one number per class."
    )
    answered = lesson.question(KEY, *question(reader))
    _figure(key="whole", data=figure(reader) | {"parameters": sizes(reader) if answered else None})
    lesson.prose(words(reader))
    lesson.formula(KEY, *formula(reader.config))
    depth = 2 * reader.config.depth
    lesson.try_it(
        f"Twice as many blocks as this model has would be {depth}. Open the form with them, and read what it says of "
        "parameters and time before you train.",
        "train",
        f"Open the form with {depth} blocks",
        ":material/model_training:",
        {"preset": "1-minute", "model.depth": str(depth)},
    )


@cached()
def counts(reader: Reader) -> dict[str, int]:
    """Parameters by what they are for."""
    from vit.learn import whole

    return whole.parameters(reader.loaded()[0])


@cached()
def stages(reader: Reader) -> list["Stage"]:
    """All stages for this image."""
    from vit.learn import whole

    return whole.stages(*reader.loaded(), predicted(reader))


def question(reader: Reader) -> tuple[str, list[str], int, str]:
    """Where most of the parameters are, and how many each kind of part has."""
    found = counts(reader)
    total = sum(found.values())
    shares = [f"{NAMES[name]} {text.compact(count)} ({text.percent(count / total)})" for name, count in found.items()]
    because = (
        f"Of {total:,} parameters: " + ", ".join(shares) + ". Per block, attention has 4 D² "
        f"weights and the MLP 2 D M, here with D = {reader.config.embed_dim} and M = {reader.config.mlp_dim}."
    )
    words = f"This model holds {text.compact(total)} parameters. Which of its parts have most of them?"
    return words, CLEARLY, right(found), because


def right(found: dict[str, int]) -> int:
    """The place among ``CLEARLY`` of what is true."""
    attention, mlp = found["attention"], found["mlp"]
    rest = sum(found.values()) - attention - mlp
    if rest > max(attention, mlp):
        return 3
    if max(attention, mlp) <= ALIKE * min(attention, mlp):
        return 2
    return 0 if attention > mlp else 1


def words(reader: Reader) -> str:
    """What the head reads in this model, and when its answer is there."""
    answers = [stage.answer for stage in stages(reader) if stage.kind in ("tokens", "block")]
    leading = [int(answer.argmax()) for answer in answers if answer is not None]
    name = literal(reader.info.classes[leading[-1]])
    settled = next(place for place in range(len(leading)) if set(leading[place:]) == {leading[-1]})
    when = f"from block {settled - 1} on" if settled else "from the very start"
    return (
        f"{summary(reader)}\n\n"
        "The head can also be asked early: give it the tokens after any block, as if the encoder ended there. Here it "
        f"says *{name}* {when}. Take this with care: the head has only been trained on the tokens after the last "
        "block. This early reading is called the **logit lens**."
    )


def summary(reader: Reader) -> str:
    """Class token or mean, with what the patches would say by themselves."""
    from vit.learn import whole

    config, own = reader.config, predicted(reader)
    agreeing = int((whole.votes(reader.loaded()[0], reader.trace) == own).sum())
    alone = f"Asked one by one, {agreeing} of the {text.counted(config.num_patches, 'patch', 'patches')} would say so."
    name = literal(reader.info.classes[own])
    if config.pool == "mean":
        return (
            "The head needs one vector, not a sequence. This model takes the **mean** of all patch tokens: each has "
            f"the same say. The answer is *{name}*. {alone}"
        )
    mean = whole.mean_instead(reader.loaded()[0], reader.trace)
    said, share = literal(reader.info.classes[int(mean.argmax())]), text.percent(float(mean.max()))
    return (
        "The head needs one vector, not a sequence. This model has an extra token for it, the **class token**: it "
        "begins the same for every image and collects what it needs through attention. The head reads it alone. The "
        f"answer is *{name}*. {alone} Their mean, which this head was not trained on, would say *{said}* with {share}."
    )


def formula(config: ModelConfig) -> tuple[str, dict[str, Part], object]:
    """Equations 1 to 4 of the paper."""
    from vit.model import VisionTransformer

    side, tokens = config.image_size, f"(1, {config.num_tokens}, {config.embed_dim})"
    image, head = f"(1, {config.in_channels}, {side}, {side})", "return self.head("
    parts = {
        "x": Part("x", "the image", "(B, C, H, W)", image, "self.patch_embed(images)"),
        "z0": Part("z_0", "tokens with positions", "(B, N, D)", tokens, "torch.cat([*prefix"),
        "blocks": Part(r"\mathrm{Blocks}", "the encoder", "(B, N, D)", tokens, "x = block(x, rotation=rotation)"),
        "pool": Part("p", POOLS[config.pool], "(B, D)", f"(1, {config.embed_dim})", "pooled ="),
        "y": Part("y", "the logits", "(B, K)", f"(1, {config.num_classes})", head),
    }
    lines = r"<z0> &= \mathrm{Embed}(<x>) \\ " + FORMULAS[config.pool]
    return rf"\begin{{aligned}} {lines} \end{{aligned}}", parts, VisionTransformer


def told(config: ModelConfig) -> dict[str, tuple[str, str]]:
    """What the kinds of stages are called, and what happens there; ``{}`` stands for a block's number."""
    extra = ["a class token"] * (config.pool == "cls")
    extra += [text.counted(config.reg_tokens, "register")] * (config.reg_tokens > 0)
    prefix = f"{' and '.join(extra).capitalize()} in front of the patches. "
    convolutions = len(config.stem_widths) + sum(config.stem_residuals)
    stem = f"{convolutions} convolutions look at the image and shrink it by {config.stem_reduction}."
    cut = f"Each patch of {config.patch_size} × {config.patch_size} pixels is multiplied by one matrix."
    if config.is_hybrid:
        cut = "Each patch of the stem's features is multiplied by one matrix."
    return {
        "image": ("Image", f"Colors × rows × columns, {config.image_size} × {config.image_size} pixels."),
        "stem": ("Stem", stem),
        "patches": ("Patches", cut),
        "tokens": ("Tokens", (prefix if extra else "") + POSITIONS[config.pos_embed]),
        "block": ("Block {}", "Attention, then the MLP; each adds to the tokens."),
        "norm": ("Norm", "LayerNorm: mean 0 and deviation 1, then a learned weight and bias."),
        "pool": ("Pool", f"One vector for the image: {POOLS[config.pool]}."),
        "head": ("Head", f"One linear layer: {config.embed_dim} numbers become {config.num_classes} logits."),
        "answer": ("Answer", "Softmax turns logits into probabilities."),
    }


@cached()
def figure(reader: Reader) -> dict:
    """What the figure gets: the stages with their shapes, maps and answers."""
    names, block, cards = told(reader.config), -1, []
    for stage in stages(reader):
        name, what = names[stage.kind]
        block += stage.kind == "block"
        cards.append({"name": name.format(block), "what": what, "shape": shape(stage.shape), **shown(reader, stage)})
    return {
        "photo": data_url(reader.answer.prediction.seen),
        "grid": reader.config.grid_size,
        "class": reader.info.classes[predicted(reader)],
        "cards": cards,
    }


def shown(reader: Reader, stage: "Stage") -> dict:
    """Maps and answer of a stage, as far as it has them."""
    found: dict = {"norms": None, "shares": None, "top": None}
    if stage.norms is not None:
        found["norms"] = significant(stage.norms.tolist(), 3)
    if stage.shares is not None:
        found["shares"] = significant(stage.shares.tolist(), 3)
    if stage.answer is not None:
        found["top"] = named(reader, stage.answer.tolist())
    return found


def shape(sizes: tuple[int, ...]) -> str:
    """``64 × 128``."""
    return " × ".join(map(str, sizes))


@cached()
def sizes(reader: Reader) -> list[int]:
    """Parameters of each stage."""
    return [stage.parameters for stage in stages(reader)]
