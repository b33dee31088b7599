"""Class token and positions: the accepted form, and typical mistakes as what they compute."""

from collections.abc import Callable

import torch
from torch import Tensor

from vit.learn.exercises.pairing import Form, Weights

CASES = (((6, 10), (2, 6, 10)), ((4, 7), (3, 4, 7)))


def embed(weights: Weights, x: Tensor, *arguments: int) -> Tensor:
    """The reference: (B, N, D) -> (B, N + 1, D)."""
    return with_token(weights, x) + weights["pos_embed"][0]


def with_token(weights: Weights, x: Tensor, last: bool = False) -> Tensor:
    token = weights["cls_token"][0].expand(len(x), -1, -1)
    return torch.cat([x, token] if last else [token, x], dim=1)


def _both(patches: int, dim: int) -> dict:
    return {"cls_token": (1, 1, dim), "pos_embed": (1, patches + 1, dim)}


def _patches_only(patches: int, dim: int) -> dict:
    return {"cls_token": (1, 1, dim), "pos_embed": (1, patches, dim)}


def _no_token(patches: int, dim: int) -> dict:
    return {"pos_embed": (1, patches, dim)}


def _token_only(patches: int, dim: int) -> dict:
    return {"cls_token": (1, 1, dim)}


def _features(patches: int, dim: int) -> dict:
    return {"cls_token": (1, 1, dim), "pos_embed": (1, 1, dim)}


FORMS = [Form(_both, embed)]
Compute = Callable[[Weights, Tensor], Tensor]


def _form(key: str, shapes: Callable[..., dict], compute: Compute, hint: str) -> Form:
    return Form(shapes, lambda weights, x, *_: compute(weights, x), key, hint)


def _position(weights: Weights) -> Tensor:
    return weights["pos_embed"][0]


def _token(weights: Weights) -> Tensor:
    return weights["cls_token"][0]


_EARLY = "The positions are added before the class token is there, so it has none. Put the token in front first: there "
_EARLY += "are N + 1 positions, one for the class token, too."
_BARE = (
    "There is no class token in the result. The model reads its answer from this one token: put it before the patches."
)

MISTAKES = [
    _form(
        "before",
        _both,
        lambda w, x: torch.cat([_token(w).expand(len(x), -1, -1), x + _position(w)[:, 1:]], 1),
        _EARLY,
    ),
    _form(
        "before",
        _both,
        lambda w, x: torch.cat([_token(w).expand(len(x), -1, -1), x + _position(w)[:, :-1]], 1),
        _EARLY,
    ),
    _form(
        "before",
        _patches_only,
        lambda w, x: torch.cat([_token(w).expand(len(x), -1, -1), x + _position(w)], 1),
        _EARLY,
    ),
    _form(
        "last",
        _both,
        lambda w, x: with_token(w, x, last=True) + _position(w),
        "The class token is behind the patches. It comes first: `torch.cat([token, x], dim=1)`.",
    ),
    _form("no-token", _no_token, lambda w, x: x + _position(w), _BARE),
    _form("no-token", _both, lambda w, x: x + _position(w)[:, 1:], _BARE),
    _form("no-token", _both, lambda w, x: x + _position(w)[:, :-1], _BARE),
    _form(
        "no-positions",
        _token_only,
        with_token,
        "No positions are added: to the model the patches have no order. Add `pos_embed` to all tokens.",
    ),
    _form(
        "joined",
        _both,
        lambda w, x: torch.cat([with_token(w, x), _position(w).expand(len(x), -1, -1)], dim=2),
        "The positions are put beside the tokens, which doubles the width. They are added to them, with `+`.",
    ),
    _form(
        "product",
        _both,
        lambda w, x: with_token(w, x) * _position(w),
        "The tokens are multiplied by the positions. Positions are added.",
    ),
    _form(
        "twice",
        _both,
        lambda w, x: with_token(w, x) + 2 * _position(w),
        "The positions are added twice. Once is enough.",
    ),
    _form(
        "token-added",
        _both,
        lambda w, x: x + _token(w) + _position(w)[:, 1:],
        "The class token is added to every patch. It is a token of its own: put it in front with `torch.cat`.",
    ),
    _form(
        "replaced",
        _both,
        lambda w, x: with_token(w, x[:, 1:]) + _position(w)[:, : x.shape[1]],
        "The class token takes the place of the first patch, which is lost. The sequence grows by one token.",
    ),
    _form(
        "token-twice",
        _both,
        lambda w, x: with_token(w, x + _token(w)) + _position(w),
        "The class token is in front, but it is also added to every patch. In front is enough.",
    ),
    _form(
        "one-position",
        _features,
        lambda w, x: with_token(w, x) + _position(w),
        "All tokens get the same position. Each needs one of its own: `pos_embed` has the shape (1, N + 1, D).",
    ),
    _form(
        "token-alone",
        _both,
        lambda w, x: (with_token(w, x) + _position(w))[:, 0],
        "Only the class token comes back. All N + 1 tokens are wanted: the blocks need them.",
    ),
    _form(
        "reversed",
        _both,
        lambda w, x: with_token(w, x) + _position(w).flip(1),
        "The positions are in reverse order.",
    ),
]
