"""Maps from attention alone. They say where information could flow from, not what it did for a class.

A relevance R is (B, N, N): how much token i (row) draws from token j (column). The map of an image is what the head
reads, w^T R, without the prefix tokens; w is one-hot on the class token, or the mean over the patches.
"""

import torch
from torch import Tensor

from vit.explain.trace import Trace, check_index


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


def rollout(attention: Tensor, up_to: int | None = None) -> Tensor:
    """Attention rollout (Abnar & Zuidema 2020, arXiv:2005.00928): attention followed through the layers.

    Each layer is the mean over heads, mixed half and half with the identity, because the residual connection carries
    every token past attention.

    Args:
        attention: (L, B, h, N, N), rows sum to 1.
        up_to: Last layer that counts, from 0; None is the last.

    Returns:
        (B, N, N); rows sum to 1. ``patch_map`` turns it into an image's map.

    Raises:
        VitError: If there is no such layer.
    """
    up_to = len(attention) - 1 if up_to is None else up_to
    check_index("layer", up_to, len(attention))
    identity = torch.eye(attention.shape[-1], dtype=attention.dtype, device=attention.device)
    result = identity.expand(attention.shape[1], -1, -1)
    for layer in attention[: up_to + 1]:
        mixed = 0.5 * identity + 0.5 * layer.mean(1)
        result = mixed / mixed.sum(dim=-1, keepdim=True) @ result
    return result


def attention_distance(trace: Trace) -> Tensor:
    """How far patches look, in patch sides (figure 7 of Dosovitskiy et al. 2020, arXiv:2010.11929): (L, B, h).

    Prefix tokens have no place: they are left out and the rows are stretched to sum to 1 again. A head whose patches
    look at prefix tokens alone has distance 0.
    """
    prefix = trace.num_prefix_tokens
    attention = trace.attention[..., prefix:, prefix:]
    attention = attention / attention.sum(-1, keepdim=True).clamp_min(torch.finfo(attention.dtype).tiny)
    distances = patch_distances(trace.grid_size).to(attention.dtype).to(attention.device)
    return (attention * distances).sum(-1).mean(-1)


def patch_distances(grid_size: int) -> Tensor:
    """Distances between the middles of patches, in patch sides: (P, P)."""
    places = torch.cartesian_prod(torch.arange(grid_size), torch.arange(grid_size)).double()
    return torch.cdist(places, places)


def entropy(trace: Trace) -> Tensor:
    """How widely tokens spread their attention, in nats: 0 for one token, log N for all alike: (L, B, h)."""
    return torch.special.entr(trace.attention).sum(-1).mean(-1)
