"""Which pictures train, which validate, and in what order: pure functions of a seed."""

import numpy as np
import torch
from torch import Tensor

from vit.data import draws
from vit.errors import DataError

CARVE_STREAM = 1 << 40  # streams below are epochs


def carve(labels: Tensor, val_size: float, seed: int) -> tuple[Tensor, Tensor]:
    """Set part of the training pictures aside for validation, with every class in proportion.

    Args:
        labels: Class of every picture, int64 (n,).
        val_size: A share of the pictures below 1, a number of pictures from 1 on.
        seed: Decides which; a larger ``val_size`` only adds pictures to those of a smaller one.

    Returns:
        Training and validation indices, int64, each in rising order. Every class keeps a training picture.

    Raises:
        DataError: If either part would be empty or a class would lose its last training picture.
    """
    priority = _priorities(np.asarray(labels), seed)
    count = _val_count(val_size, len(priority), int(np.isfinite(priority).sum()))
    is_val = np.zeros(len(priority), dtype=bool)
    is_val[np.argsort(priority, kind="stable")[:count]] = True
    return torch.from_numpy(np.flatnonzero(~is_val)), torch.from_numpy(np.flatnonzero(is_val))


def epoch_order(n: int, seed: int, epoch: int) -> Tensor:
    """The order in which epoch ``epoch`` visits ``n`` pictures, int64 (n,), on the CPU."""
    return torch.from_numpy(draws.permutation(n, seed, epoch))


def _priorities(labels: np.ndarray, seed: int) -> np.ndarray:
    """Place of each picture in the queue for validation, within 0..1 of its class; the last of a class never goes."""
    shuffled = draws.permutation(len(labels), seed, CARVE_STREAM)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    _, starts, counts = np.unique(labels[by_class], return_index=True, return_counts=True)
    rank = np.arange(len(labels)) - np.repeat(starts, counts)
    size = np.repeat(counts, counts)
    priority = np.empty(len(labels))
    priority[by_class] = np.where(rank == size - 1, np.inf, (rank + 0.5) / size)
    return priority


def _val_count(val_size: float, n: int, available: int) -> int:
    """Number of validation pictures that ``val_size`` means, checked."""
    count = round(val_size * n) if val_size < 1 else int(val_size)
    if count < 1:
        raise DataError(
            f"val_size={val_size} of {n:,} training pictures is not even one picture: use a larger val_size."
        )
    if count > available:
        raise DataError(
            f"val_size={val_size} asks for {count:,} validation pictures, but at most {available:,} of {n:,} can be "
            "spared if every class is to keep a training picture: use a smaller val_size or more pictures."
        )
    return count
