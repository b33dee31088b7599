"""The attention viewer: a component that receives all attention of an image once and then works in the browser alone.

Its bytes are the header's length (uint32, little endian), the header in UTF-8 JSON, then float16 (L, M, N, N): for each
layer L its maps M (heads, their mean, the rollout up to it); row i is what token i takes in.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from pages.shared import answers, component
from pages.shared.answers import Answer
from pages.shared.inline import data_url
from vit.errors import VitError
from vit.plots import heatmap, scale

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.trace import Trace

HELP = (
    "Attention rollout: how much the classifier draws from each patch, through all layers. Patches without color get "
    "uniform attention (1x) or less. Point at a patch to see what it reads itself; click to keep it, Esc to let it go."
)
MOST_BYTES = 64_000_000  # of numbers; a browser holds them twice

_mount = component.register("vit_lab_viewer", Path(__file__).with_suffix(".js"))


def draw(answer: Answer, *, is_small: bool = False) -> None:
    """Draw or update the viewer; it keeps what a person chose on it while the image or the model changes.

    Args:
        answer: The image, and what a model says about it.
        is_small: Without the choice of layer, head and token: the rollout over the image alone.

    Raises:
        VitError: If there are too many tokens to send their attention to a browser.
    """
    _mount(key="small-viewer" if is_small else "viewer", data=packed(answer, is_small))


@st.cache_resource(max_entries=12, show_spinner=False, hash_funcs={Answer: lambda answer: answer.key})
def packed(answer: Answer, is_small: bool) -> bytes:
    """What the component gets."""
    from vit.explain import attention

    trace = answers.trace_of(answer)
    count = 1 if is_small else trace.depth * (trace.num_heads + 2)
    size = 2 * count * trace.num_tokens**2
    if size > MOST_BYTES:
        raise VitError(
            f"{trace.num_tokens} tokens in {trace.depth} layers make {size / 1e6:.0f} MB of attention, above the "
            f"{MOST_BYTES / 1e6:.0f} MB that a browser gets; choose a model with larger patches"
        )
    maps = attention.rollout(trace.attention)[None] if is_small else all_maps(trace)
    head = json.dumps(_header(answer, trace, maps, is_small), allow_nan=False).encode()
    head += b" " * (-len(head) % 4)
    return len(head).to_bytes(4, "little") + head + maps.half().numpy().tobytes()


def still(answer: Answer, size: int) -> tuple[Image.Image, str]:
    """The viewer's first sight as an image, for many at once; returns it with its description in words."""
    from vit.explain import attention

    trace = answers.trace_of(answer)
    values = attention.patch_map(attention.rollout(trace.attention), trace)[0].numpy()
    image = heatmap.overlay(answer.crop, values, scale=scale.attention(trace.num_tokens), size=size)
    return image, heatmap.describe_map(values, trace.num_tokens)


def all_maps(trace: "Trace") -> "Tensor":
    """Heads, their mean and the rollout up to each layer, (L, h + 2, N, N)."""
    import torch

    from vit.explain import attention

    heads = trace.attention[:, 0]  # (L, h, N, N)
    rolled = [attention.rollout(trace.attention, up_to=layer)[0] for layer in range(trace.depth)]
    return torch.cat([heads, heads.mean(1, keepdim=True), torch.stack(rolled)[:, None]], dim=1)


def _header(answer: Answer, trace: "Trace", maps: "Tensor", is_small: bool) -> dict:
    """Sizes, names, images, and what the colors mean."""
    heads = [] if is_small else [*(str(head) for head in range(trace.num_heads)), "mean"]
    return {
        "name": answer.image.name,
        "isSmall": is_small,
        "photo": data_url(answer.crop, "PNG" if answer.crop.width <= 64 else "JPEG"),
        "input": data_url(answer.prediction.seen),
        "layers": len(maps),
        "firstLayer": trace.depth - len(maps),
        "columns": [*heads, "rollout"],
        "tokens": trace.num_tokens,
        "grid": trace.grid_size,
        "prefix": prefix_names(trace),
        "reads": "prefix" if trace.pool == "cls" else "mean",
        "flat": scale.FLAT,
        "scale": vars(scale.attention(trace.num_tokens)),
    }


def prefix_names(trace: "Trace") -> list[str]:
    """Tokens that come before the patches."""
    names = ["Class token"] if trace.pool == "cls" else []
    return names + [f"Register {index}" for index in range(trace.num_prefix_tokens - len(names))]
