"""Chapter 9: a trained model as the start for other images."""

import json
from importlib import resources
from pathlib import Path

import streamlit as st

from pages.learn import lesson
from pages.learn.lesson import Part
from pages.learn.reader import Reader, cached
from pages.shared import component
from pages.shared.inline import data_url
from vit import text
from vit.config import ModelConfig
from vit.plots.scale import Scale

KEY = "fine-tuning"
COSINE = Scale(-1.0, 1.0, 1.0, "")
LARGER = 1.5  # image sides, in the question

_figure = component.register("vit_lab_fine_tuning", Path(__file__).with_suffix(".js"))


def draw(reader: Reader) -> None:
    """What is kept, what is new, what has to be fitted, and what it gains."""
    lesson.prose(
        "Few people have a million labeled images. But a model that has learned from other images already knows edges, "
        "textures and shapes, and most of that is useful for *your* images, too. Fine-tuning starts from its weights "
        "instead of random ones: the encoder is kept, the head is new, because your classes are new."
    )
    answered = lesson.question(KEY, *question(reader.config))
    if not reader.config.adds_positions:
        st.info("This model adds no position embeddings, so nothing has to be fitted to another image size.")
    else:
        _figure(key=KEY, data=figure(reader, answered))
    lesson.prose(words(reader.config))
    lesson.formula(KEY, *formula(reader.config))
    if found := measured():
        st.header("What does it gain?", anchor=False)
        _gains(found)
    lesson.try_it(
        "Import a folder with a few dozen images of your own classes on the Data page, then train from this model: the "
        "form's field is called Start from.",
        "train",
        "Open the form, starting from this model",
        ":material/model_training:",
        {"init": reader.answer.model.partition("@")[0], "data": "shapes"},
    )


def question(config: ModelConfig) -> tuple[str, list[str], int, str]:
    """What a larger image changes."""
    grid = round(config.grid_size * LARGER)
    side = grid * config.patch_size
    words = (
        f"This model is to see images of {side} × {side} pixels, cut into patches of the same size. Which weights no "
        "longer fit?"
    )
    options = ["All of them", "The position embeddings alone", "The attention matrices"]
    now, why = f"There are now {grid * grid} patches instead of {config.num_patches}", "each needs a position"
    if config.pos_embed != "learned":
        options[1], why = "None of them", "this model has learned no positions"
    because = f"{now}, and {why}. All other weights work on one token or on one pair of tokens, however many there are."
    return words, options, 1, because


def words(config: ModelConfig) -> str:
    """What happens to the positions of this model."""
    grid = config.grid_size
    fitted = {
        "learned": (
            f"This model has learned one vector of {config.embed_dim} numbers for each of its {grid} × {grid} places. "
            "For another grid these vectors are **interpolated**, like the pixels of an image that is made larger: a "
            "new place gets a mixture of its old neighbors."
        ),
        "sincos2d": "This model's positions are sines and cosines, which can be computed for any grid.",
        "rope": "This model's blocks rotate queries and keys by their place, which they can do for any grid.",
        "none": "",
    }[config.pos_embed]
    return (
        f"{fitted}\n\nHow much of the model may change is a choice. **The head alone**: the encoder is frozen, and "
        "only the last layer learns. That is fast and forgets nothing, but it can't adapt either. **Everything**: all "
        "weights move a little, with a smaller learning rate than from scratch, so that the first large steps don't "
        "wipe out what was learned."
    )


def formula(config: ModelConfig) -> tuple[str, dict[str, Part], object]:
    """The new grid's positions from the old one's."""
    from vit.training.initialization import resize_positions

    grid, dim = config.grid_size, config.embed_dim
    prefix = config.num_prefix_tokens
    larger = round(grid * LARGER)
    parts = {
        "new": Part(
            "E'_{pos}", "positions of the new grid", "(1, N', D)", f"(1, {larger**2 + prefix}, {dim})", "return"
        ),
        "r": Part(
            "R",
            "bicubic resize of a picture with D channels",
            "(1, D, g', g')",
            f"(1, {dim}, {larger}, {larger})",
            "F.interpolate",
        ),
        "old": Part("E_{pos}", "learned positions", "(1, N, D)", f"(1, {grid**2 + prefix}, {dim})", "prefix, grid ="),
        "g": Part("g", "patches along one side", "(1, D, g, g)", f"(1, {dim}, {grid}, {grid})", "unflatten"),
    }
    return r"<new> = <r>_{<g> \to g'}\left( <old> \right), \qquad <g> = H / P", parts, resize_positions


@cached()
def _maps(reader: Reader) -> list[tuple[int, str]]:
    """For each grid all similarities (P, P)."""
    from vit.learn import fine_tuning

    return [(grid, lesson.halves(found)) for grid, found in fine_tuning.similarities(reader.loaded()[0])]


def figure(reader: Reader, answered: bool) -> dict:
    """What the figure gets: the image, and the similarities of positions on every grid."""
    maps = _maps(reader)
    return {
        "photo": data_url(reader.answer.crop, "JPEG"),
        "own": f"{reader.answer.key}",
        "patch": reader.config.patch_size,
        "grid": reader.config.grid_size,
        "grids": [grid for grid, _ in maps],
        "maps": [found for _, found in maps],
        "scale": vars(COSINE),
        "answered": answered,
    }


def measured() -> dict | None:
    """What the project has measured over several seeds, if it has; ``bench/finetune.py`` writes it."""
    file = resources.files("vit.learn").joinpath("fine_tuning.json")
    return json.loads(file.read_text()) if file.is_file() else None


def _gains(found: dict) -> None:
    """Test accuracy of the three ways, on few images."""
    lesson.prose(
        f"The same model, {found['images']} images of {found['classes']} classes of the built-in shapes, and "
        f"{found['steps']} steps, three ways. Test accuracy, mean of {len(found['seeds'])} seeds:"
    )
    with st.container(width=lesson.PROSE_WIDTH):
        for way in found["ways"]:
            low, high = text.percent(min(way["test"])), text.percent(max(way["test"]))
            label = f"{way['way'].capitalize()}: **{text.percent(way['mean'])}** (from {low} to {high})"
            st.progress(way["mean"], text=label)
    lesson.prose(conclusion({way["way"]: way["mean"] for way in found["ways"]}))


def conclusion(means: dict[str, float]) -> str:
    """What the three accuracies say, whichever they are."""
    scratch, head, everything = (means[way] for way in ("from scratch", "the head alone", "everything"))
    gain = 100 * (everything - scratch)
    if head < scratch:
        frozen = (
            "The frozen encoder does worse than one that learns from scratch: it was trained on photographs, and a new "
            "head alone reads too little from it to tell drawn shapes apart."
        )
    else:
        frozen = "Even the frozen encoder does better than one that learns from scratch on so few images."
    more = "more" if gain >= 0 else "less"
    free = f"With all weights free to move, the same start reaches {abs(gain):.1f} points {more} than from scratch."
    return f"{frozen} {free}"
