"""The ten chapters, in their order."""

from collections.abc import Callable
from dataclasses import dataclass

from pages.learn import block, patches, training, whole
from pages.learn.reader import Reader


@dataclass(frozen=True)
class Chapter:
    """A chapter: its name in the address, its title, one sentence, and what draws it."""

    slug: str
    title: str
    lead: str
    draw: Callable[[Reader], None]


CHAPTERS = [
    Chapter(
        "patches", "From image to patches", "A transformer reads a sequence, so an image is cut into one.", patches.draw
    ),
    Chapter(
        "block",
        "The encoder block",
        "Attention and an MLP take turns, and each adds to the token what it has found.",
        block.draw,
    ),
    Chapter(
        "model",
        "The whole ViT",
        "From pixels to probabilities: every shape, every parameter, and what each layer would already say.",
        whole.draw,
    ),
    Chapter(
        "training",
        "Training",
        "One step at a time: loss, gradient, update. Then a run that fails, and its repair.",
        training.draw,
    ),
]
BY_SLUG = {chapter.slug: chapter for chapter in CHAPTERS}
