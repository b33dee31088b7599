"""How a picture's attention is shown: chosen once, the same for every picture on a page."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vit.plots import heatmap, scale
from vit.plots.scale import Scale

if TYPE_CHECKING:
    from vit.explain.trace import Trace

ABSOLUTE_TIMES_UNIFORM = 8  # where the absolute scale ends, so that its colours mean the same in every picture


@dataclass(frozen=True)
class Look:
    """What to lay over a picture.

    Attributes:
        overlay: "rollout", "layer" or "off".
        layer: Counted from 0.
        head: Counted from 0; None is the mean of all.
        opacity: Of the heatmap, 0 to 1.
        scale: "absolute", "times_uniform" or "per_map".
        grid: Whether lines part the tokens.
    """

    overlay: str = "rollout"
    layer: int = 0
    head: int | None = None
    opacity: float = 0.6
    scale: str = "times_uniform"
    grid: bool = True


def values_of(trace: "Trace", look: Look) -> np.ndarray:
    """The map of the first picture in a trace, (g, g): shares of attention."""
    from vit.explain import attention

    if look.overlay == "rollout":
        return attention.patch_map(attention.rollout(trace.attention), trace)[0].numpy()
    return attention.attention_map(trace, look.layer, look.head)[0].numpy()


def scale_of(values: np.ndarray, num_tokens: int, look: Look) -> Scale:
    """What the colours mean under the chosen scale."""
    if look.scale == "per_map":
        return scale.per_map(values)
    if look.scale == "times_uniform":
        return scale.times_uniform(values, num_tokens)
    return scale.absolute(min(1.0, ABSOLUTE_TIMES_UNIFORM / num_tokens))


def draw(seen: Image.Image, trace: "Trace", look: Look, size: int) -> tuple[Image.Image, Scale | None, str]:
    """A picture as the model sees it under its overlay.

    Returns:
        The picture (size, size), the scale of its colours or None without overlay, and a description in words.
    """
    if look.overlay == "off":
        plain = heatmap.token_grid(seen, seen.width // trace.grid_size, size) if look.grid else None
        return plain or heatmap.enlarge(seen.convert("RGB"), size), None, "What the model sees, without overlay."
    values = values_of(trace, look)
    meaning = scale_of(values, trace.num_tokens, look)
    picture = heatmap.overlay(seen, values, scale=meaning, opacity=look.opacity, grid=look.grid, size=size)
    return picture, meaning, heatmap.describe_map(values, trace.num_tokens)
