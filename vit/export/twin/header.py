"""The docstring of a script: what it trains, what it needs, and how exactly it repeats a run."""

import re
import textwrap
from pathlib import Path

from vit.export.twin.recipe import Recipe

WIDTH = 118
UNSAFE = re.compile(r"[^\w .,/@()+-]")  # whatever a name may hold that could end a docstring
SHAPES = "Shapes: B batch, C channels, H W image, P patch side, N tokens, D embed_dim, h heads, d head_dim, K classes."


def text(recipe: Recipe) -> str:
    """Title and paragraphs, without the quotes."""
    paragraphs = [_needs(recipe), _exactness(recipe), _changes(recipe), SHAPES]
    wrapped = [textwrap.fill(words, WIDTH, break_on_hyphens=False) for words in paragraphs if words]
    return "\n\n".join([_title(recipe), *wrapped])


def named(name: str) -> str:
    """A name from outside as it may stand in a docstring."""
    return UNSAFE.sub("?", name)[:80]


def _title(recipe: Recipe) -> str:
    start = "given weights" if recipe.config.init.checkpoint else "scratch"
    data = named(Path(recipe.images.name).name)[:40]  # of a folder or archive without the way there
    return f"A Vision Transformer, trained from {start} on {data}: python train.py"


def _needs(recipe: Recipe) -> str:
    libraries = "torch, torchvision and numpy" if recipe.is_public else "torch and numpy"
    words = [f"It needs {libraries}, and has only what this configuration uses."]
    if recipe.is_public:
        words.append("torchvision downloads CIFAR-10 into data/ unless it is there.")
    else:
        model = recipe.config.model
        words.append(
            f"Images are read from data.npz in the current folder: train_images uint8 (n, {model.in_channels}, "
            f"{model.image_size}, {model.image_size}), train_labels int64 (n,), and the same for test."
        )
    if recipe.config.init.checkpoint:
        words.append(
            f"The weights of {named(recipe.config.init.checkpoint)} are read from weights.npz, fitted to this model."
        )
    return " ".join(words)


def _exactness(recipe: Recipe) -> str:
    threads = "1 thread" if recipe.threads == 1 else f"{recipe.threads} threads"
    whose = f"the run {recipe.run} of ViT Lab" if recipe.run else "such a run of ViT Lab"
    if recipe.device != "cpu" or recipe.config.train.compile:
        return f"Its losses are those of {whose} up to rounding ({recipe.device}, torch {recipe.torch})."
    if recipe.processes > 1:
        is_exact = recipe.processes == 2 and recipe.config.train.optimizer != "muon"  # sums of two have no order
        return (
            f"It computes the parts of each batch one after the other, which {recipe.processes} processes of {threads} "
            f"shared. Its losses are those of {whose}, {'bit for bit' if is_exact else 'up to rounding'} on the same "
            f"processor with torch {recipe.torch}."
        )
    alone = "" if recipe.run else " in one process"
    return (
        f"Its losses are those of {whose}{alone}, bit for bit on the same processor with torch {recipe.torch} and "
        f"{threads}; anything else rounds differently."
    )


def _changes(recipe: Recipe) -> str:
    if recipe.changed_at is None:
        return ""
    return (
        f"A person changed settings while the run trained. The script does not: its losses are those of the run up to "
        f"step {recipe.changed_at}."
    )
