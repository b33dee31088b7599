"""Attention: the accepted forms, and typical mistakes as what they compute."""

from functools import partial
from itertools import permutations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vit.learn.exercises.pairing import Form, Shape, Weights

CASES = (((12, 3), (2, 5, 12)), ((10, 2), (3, 7, 10)))
SCALES = {
    "d": lambda dim, heads: (dim / heads) ** -0.5,
    "none": lambda dim, heads: 1.0,
    "D": lambda dim, heads: dim**-0.5,
    "full": lambda dim, heads: heads / dim,
    "times": lambda dim, heads: (dim / heads) ** 0.5,
    "h": lambda dim, heads: heads**-0.5,
}


class Attention(nn.Module):
    """The reference as a module, for exercises that build on it: (B, N, D) -> (B, N, D)."""

    def __init__(self, embed_dim: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        weights = {name: (layer.weight, layer.bias) for name, layer in (("qkv", self.qkv), ("proj", self.proj))}
        return attend(weights, x, x.shape[-1], self.num_heads)


def attend(
    weights: Weights,
    x: Tensor,
    dim: int,
    heads: int,
    order: tuple[int, ...] = (0, 1, 2),
    split: str = "chunks",
    scale: str = "d",
    axis: int | None = -1,
    transposed: bool = False,
    late: bool = False,
    join: str = "transpose",
    projected: bool = True,
) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V per head, through the projection; each argument after ``heads`` makes a mistake."""
    parts = [_heads(part, heads, split) for part in project_in(weights, x, split, heads)]
    query, key, value = (parts[place] for place in order)
    factor = SCALES[scale](dim, heads)
    scores = query @ key.transpose(-2, -1) * (1.0 if late else factor)
    shares = scores if axis is None else scores.softmax(axis)
    shares = shares * factor if late else shares
    mixed = (shares.transpose(-2, -1) if transposed else shares) @ value  # (B, h, N, d)
    x = mixed.transpose(1, 2).flatten(2) if join == "transpose" else mixed.reshape(x.shape)
    return F.linear(x, *weights["proj"]) if projected else x


def project_in(weights: Weights, x: Tensor, split: str, heads: int) -> list[Tensor]:
    """Queries, keys and values, (B, N, D) each, from one layer or from three."""
    if "qkv" not in weights:
        return [F.linear(x, *weights[name]) for name in "qkv"]
    together = F.linear(x, *weights["qkv"])
    if split != "per head":
        return list(together.chunk(3, dim=-1))
    return [part.flatten(2) for part in together.unflatten(-1, (heads, 3, -1)).unbind(3)]


def _heads(x: Tensor, heads: int, split: str) -> Tensor:
    """(B, N, D) -> (B, h, N, d)."""
    if split == "view":
        return x.reshape(len(x), heads, x.shape[1], -1)
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def fused(dim: int, heads: int) -> dict[str, Shape]:
    return {"qkv": (3 * dim, dim), "proj": (dim, dim)}


def _separate(dim: int, heads: int) -> dict[str, Shape]:
    return {**dict.fromkeys("qkv", (dim, dim)), "proj": (dim, dim)}


def _fused_unprojected(dim: int, heads: int) -> dict[str, Shape]:
    return {"qkv": (3 * dim, dim)}


def _separate_unprojected(dim: int, heads: int) -> dict[str, Shape]:
    return dict.fromkeys("qkv", (dim, dim))


def _two(dim: int, heads: int) -> dict[str, Shape]:
    return {**dict.fromkeys("qk", (dim, dim)), "proj": (dim, dim)}


def _form(key: str = "", hint: str = "", **settings) -> list[Form]:
    """What the settings compute, from one layer and from three."""
    kinds = [fused, _separate] if settings.get("projected", True) else [_fused_unprojected, _separate_unprojected]
    return [Form(shapes, partial(attend, **settings), key, hint) for shapes in kinds]


def _single(weights: Weights, x: Tensor, dim: int, heads: int) -> Tensor:
    return attend(weights, x, dim, 1)


def _residual(weights: Weights, x: Tensor, dim: int, heads: int) -> Tensor:
    return x + attend(weights, x, dim, heads)


def _shared(weights: Weights, x: Tensor, dim: int, heads: int) -> Tensor:
    return attend({**weights, "v": weights["k"]}, x, dim, heads)


def _wrapped(key: str, compute, hint: str) -> list[Form]:
    return [Form(shapes, compute, key, hint) for shapes in (fused, _separate)]


# Another order of the thirds, or another order within a layer, is only another naming of the same weights.
FORMS = [
    *_form(),
    *(Form(fused, partial(attend, order=order)) for order in list(permutations(range(3)))[1:]),
    Form(fused, partial(attend, split="per head")),
]
_SPLIT = "`view` or `reshape` to (B, h, N, d) mixes tokens and heads: it only cuts the memory anew. First split D into "
_SPLIT += "(h, d), then swap the axes of tokens and heads with `transpose(1, 2)`."
_JOIN = "The heads are joined without swapping the axes back: (B, h, N, d) needs `transpose(1, 2)` before it is "
_JOIN += "reshaped to (B, N, D)."
_VALUE = "The weights are not applied to the values but to {}. It is softmax(Q Kᵀ / √d) V."
_ITSELF = "The scores are {0} with {0}. They are queries with keys, Q Kᵀ."
MISTAKES = [
    *_form("axis", "The softmax runs over the queries. It runs over the keys, `dim=-1`: each row sums to 1.", axis=-2),
    *_form("axis-heads", "The softmax runs over the heads. It runs over the keys, `dim=-1`.", axis=1),
    *_form("axis-batch", "The softmax runs over the images of the batch. It runs over the keys, `dim=-1`.", axis=0),
    *_form("no-softmax", "There is no softmax: the scores are used as they are. Rows should sum to 1.", axis=None),
    *_form("no-scale", "The scores are not divided by √d. Without it they grow with the width.", scale="none"),
    *_form("scale-D", "The scores are divided by √D. d is the width of one head: √(D / h).", scale="D"),
    *_form("scale-full", "The scores are divided by d. It is the square root of d.", scale="full"),
    *_form("scale-times", "The scores are multiplied by √d. They are divided by it.", scale="times"),
    *_form("scale-h", "The scores are divided by √h, by the number of heads. d is the width of one: D / h.", scale="h"),
    *_form("late-scale", "The division by √d comes after the softmax. It comes before.", late=True),
    *_form("transposed", "The attention matrix is transposed: it is applied by columns, not by rows.", transposed=True),
    *_form("split", _SPLIT, split="view"),
    *_form("split", _SPLIT, split="view", join="reshape"),
    *_form("join", _JOIN, join="reshape"),
    *_form("no-projection", "The output projection is missing, a linear layer behind the heads.", projected=False),
    *_form("values", _VALUE.format("the queries"), order=(0, 1, 0)),
    *_form("values", _VALUE.format("the keys"), order=(0, 1, 1)),
    Form(_two, _shared, "values", _VALUE.format("the keys")),
    *_form("itself", _ITSELF.format("queries"), order=(0, 0, 2)),
    *_form("itself", _ITSELF.format("keys"), order=(1, 1, 2)),
    *_wrapped("one-head", _single, "There is one head of width D. Split the width into `num_heads` heads."),
    *_wrapped("residual", _residual, "The input is added to the result. The block does that, outside of attention."),
]


def is_equivariant(module: nn.Module, x: Tensor, prefix: int = 0) -> bool:
    """Whether another order of the tokens only reorders the results, behind ``prefix`` results that stay."""
    order = torch.arange(x.shape[1]).roll(2)
    return torch.allclose(module(x[:, order])[:, prefix:], module(x)[:, prefix:][:, order])
