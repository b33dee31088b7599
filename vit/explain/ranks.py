"""Comparing maps by the order of their values, which survives any scaling."""

import torch
from torch import Tensor


def ranks(values: Tensor) -> Tensor:
    """Ranks from 0 with ties at their mean: (B, ...) -> float64 (B, P)."""
    flat = values.flatten(1)
    below = (flat[:, None, :] < flat[:, :, None]).sum(-1)
    equal = (flat[:, None, :] == flat[:, :, None]).sum(-1)
    return below + (equal - 1) / 2.0


def spearman(one: Tensor, other: Tensor) -> Tensor:
    """Rank correlation of two maps (B, ...), in [-1, 1]: (B,). NaN where one of them is flat and has no order."""
    first, second = (ranks(values).double() for values in (one, other))
    first, second = first - first.mean(1, keepdim=True), second - second.mean(1, keepdim=True)
    return (first * second).sum(1) / (first.norm(dim=1) * second.norm(dim=1))


def consensus(maps: Tensor) -> tuple[Tensor, Tensor]:
    """What methods agree on: maps (M, B, g, g) -> mean and spread of each patch's rank, both (B, g, g) in [0, 1].

    A rank is 0 for a map's lowest patch and 1 for its highest; the spread is the standard deviation over methods.
    """
    shape, highest = maps.shape[1:], max(1, maps[0, 0].numel() - 1)
    placed = torch.stack([ranks(values).view(shape) / highest for values in maps])
    return placed.mean(0).to(maps.dtype), placed.std(0, correction=0).to(maps.dtype)
