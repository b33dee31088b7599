"""The ten chapters, in their order."""

from collections.abc import Callable
from dataclasses import dataclass

from pages.learn import attention, block, embedding, fine_tuning, patches, position, training, what_next, whole, why
from pages.learn.reader import Reader


@dataclass(frozen=True)
class Chapter:
    """A chapter: its name in the address, its title, one sentence, and what draws it."""

    slug: str
    title: str
    lead: str
    draw: Callable[[Reader], None]


CHAPTERS = [
    Chapter(why.KEY, "Why transformers for images", "And when a convolutional network is the better choice.", why.draw),
    Chapter(patches.KEY, "From image to patches", "An image is cut into the words of a sentence.", patches.draw),
    Chapter("embedding", "Patch embedding", "One linear layer makes each patch a token.", embedding.draw),
    Chapter("position", "Position", "Without position embeddings the order of the patches is lost.", position.draw),
    Chapter(
        "attention", "Self-attention", "Each token asks all others, and mixes what they have to say.", attention.draw
    ),
    Chapter(
        "block", "The encoder block", "Attention and an MLP take turns, and each adds what it has found.", block.draw
    ),
    Chapter("model", "The whole ViT", "Every shape, every parameter, and what each layer would say.", whole.draw),
    Chapter("training", "Training", "One step in slow motion, and a recipe that fails on purpose.", training.draw),
    Chapter(fine_tuning.KEY, "Fine-tuning", "A trained model is the best start for few images.", fine_tuning.draw),
    Chapter(what_next.KEY, "What next", "Papers to read, and where your weights can go.", what_next.draw),
]
BY_SLUG = {chapter.slug: chapter for chapter in CHAPTERS}
