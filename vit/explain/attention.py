"""Maps from attention alone. They say where information could flow from, not what it did for a class.

A relevance R is (B, N, N): how much token i (row) draws from token j (column). The map of a picture is what the head
reads, w^T R, without the prefix tokens; w is one-hot on the class token, or the mean over the patches.
"""

import torch
from torch import Tensor

from vit.errors import VitError
from vit.explain.trace import Trace

FUSIONS = ("mean", "max", "min")


def pooling_weights(trace: Trace) -> Tensor:
    """How much of each token the head reads, (N,); sums to 1."""
    weights = torch.zeros_like(trace.attention[0, 0, 0, 0])
    if trace.pool == "cls":
        weights[0] = 1
    else:
        weights[trace.num_prefix_tokens :] = 1 / trace.grid_size**2
    return weights


def patch_map(relevance: Tensor, trace: Trace) -> Tensor:
    """What the head draws from each patch: relevance (B, N, N) -> (B, g, g).

    Shares of prefix tokens are left out and the rest is not stretched to make up for it, so a map sums to at most 1.
    """
    shares = pooling_weights(trace) @ relevance  # (B, N)
    return shares[:, trace.num_prefix_tokens :].unflatten(1, (trace.grid_size, trace.grid_size))


def attention_map(trace: Trace, layer: int, head: int | None = None) -> Tensor:
    """One layer's attention to each patch, of one head or the mean of all: (B, g, g).

    Args:
        trace: Of the pictures.
        layer: Counted from 0, like ``blocks.0`` among the weights.
        head: Counted from 0; None is the mean over heads.

    Raises:
        VitError: If the model has no such layer or head.
    """
    check_index("layer", layer, trace.depth)
    attention = trace.attention[layer]
    if head is None:
        return patch_map(attention.mean(1), trace)
    check_index("head", head, trace.num_heads)
    return patch_map(attention[:, head], trace)


def attention_maps(trace: Trace) -> Tensor:
    """The map of every layer and head, for a contact sheet: (B, L, h, g, g)."""
    shares = pooling_weights(trace) @ trace.attention  # (L, B, h, N)
    maps = shares[..., trace.num_prefix_tokens :].unflatten(-1, (trace.grid_size, trace.grid_size))
    return maps.transpose(0, 1)


def rollout(
    attention: Tensor,
    *,
    fusion: str = "mean",
    residual: float = 0.5,
    discard: float = 0.0,
    up_to: int | None = None,
) -> Tensor:
    """Attention rollout (Abnar & Zuidema 2020, arXiv:2005.00928): attention followed through the layers.

    Each layer mixes in the identity, because the residual connection carries every token past attention.

    Args:
        attention: (L, B, h, N, N), rows sum to 1.
        fusion: How heads become one: "mean", "max" or "min".
        residual: Weight of the identity, in (0, 1].
        discard: Share of each picture's smallest entries set to zero, in [0, 1), before the identity is mixed in, so
            that no row ends up empty. 0.9 makes crisp pictures; that is a look, not a finding.
        up_to: Last layer that counts, from 0; None is the last.

    Returns:
        (B, N, N); rows sum to 1. ``patch_map`` turns it into a picture's map.

    Raises:
        VitError: If an argument is out of range.
    """
    _check(fusion, residual, discard)
    up_to = len(attention) - 1 if up_to is None else up_to
    check_index("layer", up_to, len(attention))
    identity = torch.eye(attention.shape[-1], dtype=attention.dtype, device=attention.device)
    result = identity.expand(attention.shape[1], -1, -1)
    for layer in attention[: up_to + 1]:
        mixed = residual * identity + (1 - residual) * _discard(_fuse(layer, fusion), discard)
        result = mixed / mixed.sum(dim=-1, keepdim=True) @ result
    return result


def _fuse(attention: Tensor, fusion: str) -> Tensor:
    """Heads into one: (B, h, N, N) -> (B, N, N)."""
    return attention.mean(1) if fusion == "mean" else getattr(attention, f"a{fusion}")(1)


def _discard(fused: Tensor, share: float) -> Tensor:
    """Zero the smallest entries of each picture; ties fall in reading order, so the count is exact."""
    count = int(share * fused[0].numel())
    flat = fused.flatten(1)  # (B, N * N)
    smallest = flat.argsort(dim=1, stable=True)[:, :count]
    return flat.scatter(1, smallest, 0.0).view_as(fused)


def _check(fusion: str, residual: float, discard: float) -> None:
    if fusion not in FUSIONS:
        raise VitError(f"there is no head fusion called {fusion!r}; use {', '.join(FUSIONS)}")
    if not 0 < residual <= 1:
        raise VitError(f"the residual weight is {residual}; it has to be above 0 and at most 1")
    if not 0 <= discard < 1:
        raise VitError(f"the discarded share is {discard}; it has to be at least 0 and below 1")


def check_index(what: str, index: int, count: int) -> None:
    """Refuse a layer, head or class that the model doesn't have; negative numbers are no short cut here."""
    plural = f"{what}es" if what.endswith("s") else f"{what}s"
    if not 0 <= index < count:
        raise VitError(f"there is no {what} {index}: this model's {plural} are numbered 0 to {count - 1}")
