"""All attention of one picture as bytes: a header in JSON, then one number per pair of tokens, layer and map."""

import json
from typing import TYPE_CHECKING

import numpy as np

from pages.shared.answers import Answer
from pages.shared.inline import data_url
from pages.shared.looks import ABSOLUTE_TIMES_UNIFORM
from vit.errors import VitError
from vit.plots import colors, scale
from vit.plots.scale import Scale

if TYPE_CHECKING:
    from vit.explain.trace import Trace

MOST_BYTES = 64_000_000  # of numbers; a browser holds them twice
COLORS = ("viridis", "cividis", "magma", "inferno")


def pack(answer: Answer, trace: "Trace") -> bytes:
    """What the canvas gets, once per picture.

    Layout: the header's length (uint32, little endian), the header in UTF-8, then float16 (L, M, N, N): for each layer
    its h heads, their mean, and the rollout up to it; row i is what token i takes in.

    Raises:
        VitError: If there are too many tokens to send their attention to a browser.
    """
    maps = _maps(trace)
    head = json.dumps(_header(answer, trace, maps), allow_nan=False).encode()
    head += b" " * (-len(head) % 4)
    return len(head).to_bytes(4, "little") + head + maps.tobytes()


def _maps(trace: "Trace") -> np.ndarray:
    """Heads, their mean and the rollout, float16 (L, h + 2, N, N)."""
    import torch

    from vit.explain import attention

    _check_size(trace)
    heads = trace.attention[:, 0]  # (L, h, N, N)
    rolled = [attention.rollout(trace.attention, up_to=layer)[0] for layer in range(trace.depth)]
    columns = [heads, heads.mean(1, keepdim=True), torch.stack(rolled)[:, None]]
    return torch.cat(columns, dim=1).half().numpy()


def _check_size(trace: "Trace") -> None:
    size = 2 * trace.depth * (trace.num_heads + 2) * trace.num_tokens**2
    if size > MOST_BYTES:
        raise VitError(
            f"{trace.num_tokens} tokens in {trace.depth} layers make {size / 1e6:.0f} MB of attention, above the "
            f"{MOST_BYTES / 1e6:.0f} MB that a browser gets; choose a model with larger patches"
        )


def _header(answer: Answer, trace: "Trace", maps: np.ndarray) -> dict:
    """Sizes, names, pictures, and what the colours mean."""
    prediction, original = answer.prediction, answer.preview
    left, _, right, _ = prediction.box
    factor = min(original.size) / (right - left)  # the box is as large as the shorter side
    return {
        "picture": answer.picture.name,
        "seen": data_url(prediction.seen),
        "original": data_url(original),
        "box": [edge * factor for edge in prediction.box],
        "depth": trace.depth,
        "columns": [*(str(head) for head in range(trace.num_heads)), "mean", "rollout"],
        "tokens": trace.num_tokens,
        "grid": trace.grid_size,
        "prefix": _prefix_names(trace),
        "reads": "prefix" if trace.pool == "cls" else "mean",
        "flat": scale.FLAT,
        "scales": {"heads": _scales(maps[:, :-1], trace), "rollout": _scales(maps[:, -1:], trace)},
        "colors": {name: colors.table(name).tolist() for name in COLORS},
    }


def _prefix_names(trace: "Trace") -> list[str]:
    """Tokens that come before the patches."""
    names = ["Class token"] if trace.pool == "cls" else []
    return names + [f"Register {index}" for index in range(trace.num_prefix_tokens - len(names))]


def _scales(maps: np.ndarray, trace: "Trace") -> dict[str, dict]:
    """What colours can mean. A token's share of itself counts for no scale: in a rollout it exceeds all others."""
    others = maps[..., ~np.eye(trace.num_tokens, dtype=bool)] if trace.num_tokens > 1 else maps
    absolute = scale.absolute(min(1.0, ABSOLUTE_TIMES_UNIFORM / trace.num_tokens))
    return {"uniform": _sent(scale.shared(others, trace.num_tokens)), "absolute": _sent(absolute)}


def _sent(meaning: Scale) -> dict:
    return vars(meaning)
