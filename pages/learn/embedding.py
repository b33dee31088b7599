"""Chapter 3: a patch becomes a token, by one linear layer that is a convolution."""

from pathlib import Path

from pages.learn import lesson
from pages.learn.lesson import Part
from pages.learn.reader import Reader, cached
from pages.learn.tensors import packed
from pages.shared import component
from pages.shared.inline import data_url
from vit.config import ModelConfig

KEY = "embedding"
MOST_BYTES = 400_000  # of filters and of what they give; a browser gets the first ones of a wide model

_figure = component.register("vit_lab_embedding", Path(__file__).with_suffix(".js"))


def draw(reader: Reader) -> None:
    """What the projection is, that it is a convolution, and what its filters look like."""
    config = reader.config
    lesson.prose(introduction(config))
    answered = lesson.question(KEY, *question(config))
    _figure(key=KEY, data=figure(reader) | {"answered": answered})
    lesson.prose(words(config))
    lesson.formula(KEY, *formula(config))
    other, name = ("patch", "the plain projection") if config.is_hybrid else ("resnet", "a convolutional stem")
    lesson.try_it(
        f"Train a model that begins with {name} instead, and compare the two curves in Runs.",
        "train",
        f"Open the form with {name}",
        ":material/model_training:",
        {"preset": "1-minute", "model.stem": other},
    )


def seen_side(config: ModelConfig) -> int:
    """Side of what the projection sees of a patch: pixels, or places in the stem's maps."""
    return config.patch_size // (config.stem_reduction if config.is_hybrid else 1)


def length(config: ModelConfig) -> int:
    """How many numbers the projection sees of a patch."""
    channels = config.stem_widths[-1] if config.is_hybrid else config.in_channels
    return seen_side(config) ** 2 * channels


def introduction(config: ModelConfig) -> str:
    """What goes in and what comes out, for this configuration."""
    count, width = length(config), config.embed_dim
    body = (
        f"One linear layer does it: each of the {width} numbers of a token is a sum over the patch's {count} numbers, "
        "each times a learned weight, plus a bias. The weights of one such sum are called a **filter**."
    )
    if config.is_hybrid:
        side, wide = seen_side(config), seen_side(config) * config.grid_size
        return (
            f"The encoder reads tokens of {width} numbers each. This model has a **convolutional stem**, so the "
            f"projection doesn't see pixels: it sees {config.stem_widths[-1]} feature maps of {wide} × {wide} numbers, "
            f"and a patch is {side} × {side} of each, **{count} numbers**. {body}"
        )
    return (
        f"A patch is **{count} numbers**, its normalized pixel values, but the encoder reads tokens of **{width} "
        f"numbers**. {body} A filter has the shape of a patch, so it can be shown as a small image."
    )


def question(config: ModelConfig) -> tuple[str, list[str], int, str]:
    """The question, the answers, the place of the right one, and why."""
    count, width = length(config), config.embed_dim
    words = f"The {count} numbers of a patch are put in reverse order. What happens to its token?"
    options = [
        "Nothing: the sums are over the same numbers",
        f"Each of its {width} numbers can change, because each value now meets another weight",
        f"Its {width} numbers are reversed, too",
    ]
    because = (
        "A weight belongs to one place in the patch, so the order inside a patch matters. Only a patch that reads the "
        "same from both ends keeps its token. Try it in the figure."
    )
    return words, options, int(count > 1), because


def words(config: ModelConfig) -> str:
    """That both ways are one, and how many weights it takes."""
    side, count, width = seen_side(config), length(config), config.embed_dim
    step = "one place at a time" if side == 1 else f"in steps of {side}, as wide as it is itself"
    total = count * width + width
    return (
        f"`PatchEmbed` cuts nothing: its projection is a **convolution with a stride of {side}**. The filter moves "
        f"{step}, so it meets each patch once. The figure computes the sum in your browser and the convolution with "
        "PyTorch, both in double precision; the model itself computes in float32, with about seven digits.\n\n"
        f"All {config.num_patches} patches share the same {width} filters. That makes {count} · {width} weights and "
        f"{width} biases, **{total:,} numbers** to learn, however large the image is. {look(config)}"
    )


def look(config: ModelConfig) -> str:
    """What there is to see of the filters."""
    if config.is_hybrid:
        return (
            "Behind a stem a filter weighs feature maps, not colors, so the figure shows the maps instead of filters."
        )
    color = " or to a color" * (config.in_channels == 3)
    return f"Look for filters that answer to an edge{color}; those that learned nothing look like noise."


def formula(config: ModelConfig) -> tuple[str, dict[str, Part], object]:
    """The projection of all patches at once."""
    from vit.model import PatchEmbed

    count, width, number = length(config), config.embed_dim, config.num_patches
    long = "L" if config.is_hybrid else "P²C"
    parts = {
        "xp": Part(
            "x_p", "what it sees of the patches", f"(B, N, {long})", f"(1, {number}, {count})", "self.stem(images)"
        ),
        "e": Part("E", "the filters, one a column", f"({long}, D)", f"({count}, {width})", "self.proj = "),
        "b": Part("b", "the biases", "(D)", f"({width})"),
        "z": Part("z", "the tokens", "(B, N, D)", f"(1, {number}, {width})", "flatten(2)"),
    }
    return r"<z> = <xp> \, <e> + <b>", parts, PatchEmbed


@cached()
def figure(reader: Reader) -> dict:
    """What the figure gets: the projection at work on this image, exact to the last bit."""
    from vit.learn.embedding import projection

    found = projection(*reader.loaded())
    config = reader.config
    kept = min(config.embed_dim, MOST_BYTES // (4 * length(config) + 12 * config.num_patches))
    return {
        "own": str(reader.answer.key),
        "photo": data_url(reader.answer.prediction.seen),
        "mean": reader.info.mean,
        "std": reader.info.std,
        "isStem": config.is_hybrid,
        "grid": config.grid_size,
        "side": seen_side(config),
        "maps": len(found.seen),
        "length": length(config),
        "channels": kept,
        "all": config.embed_dim,
        "seen": packed(found.seen),
        "filters": packed(found.filters[:kept]),
        "bias": packed(found.bias[:kept]),
        "convolved": packed(found.convolved[:kept]),
        "tokens": packed(found.tokens[:, :kept]),
    }
