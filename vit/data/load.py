"""A whole data set as uint8 tensors at the size a model wants, its validation split, and the order of an epoch."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vit.data import catalog, draws, shapes, store
from vit.data.importing import Progress
from vit.errors import DataError

RESIZE_BATCH = 512
SPLIT_STREAM = 1 << 40  # streams below are epochs


@dataclass(frozen=True)
class Split:
    """images uint8 (n, 3, H, W), labels int64 (n,)."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Dataset:
    """A data set in memory."""

    name: str
    classes: tuple[str, ...]  # names, in the order of the labels
    train: Split  # what to learn from; validation is split from it
    test: Split | None  # what to look at once, at the end; None where there is none
    fingerprint: str  # SHA-256 of the stored content, whatever the size it was loaded at


def load(source: str, image_size: int, progress: Progress | None = None) -> Dataset:
    """Load a data set.

    Args:
        source: "shapes", the name of an imported set, or a path to a folder or archive, which is prepared once.
        image_size: Side in pixels; stored images of another size are scaled, anti-aliased.
        progress: Called with (done, total, message).

    Raises:
        DataError: If there is no such data set, or its content is not what was imported.
    """
    if source == "shapes":
        return _shapes(image_size, progress)
    folder = catalog.locate(source, image_size, progress)
    info = store.read_info(folder)
    with store.arrays(folder) as file:
        stored = {
            split: (file.get_tensor(f"{split}_images"), file.get_tensor(f"{split}_labels")) for split in info.counts
        }
    if store.fingerprint(info.classes, stored) != info.fingerprint:
        raise DataError(f"The images of {info.name} have changed since they were imported: remove and import it again.")
    splits = {
        split: Split(_resized(torch.from_numpy(images), image_size, progress), torch.from_numpy(labels))
        for split, (images, labels) in stored.items()
    }
    return Dataset(info.name, info.classes, splits["train"], splits.get("test"), info.fingerprint)


def _shapes(image_size: int, progress: Progress | None) -> Dataset:
    splits = {}
    for split, count in shapes.COUNTS.items():
        images, labels, _ = shapes.render(np.arange(count), image_size, split=split, progress=progress)
        splits[split] = Split(torch.from_numpy(images), torch.from_numpy(labels))
    return Dataset("shapes", shapes.CLASSES, splits["train"], splits["test"], catalog.SHAPES.fingerprint)


def _resized(images: Tensor, size: int, progress: Progress | None) -> Tensor:
    """uint8 (n, C, size, size) by anti-aliased bilinear interpolation, as ``vit.images.fit`` does."""
    if images.shape[-1] == size:
        return images
    resized = torch.empty(len(images), 3, size, size, dtype=torch.uint8)
    for start in range(0, len(images), RESIZE_BATCH):
        part = slice(start, start + RESIZE_BATCH)
        resized[part] = F.interpolate(images[part], (size, size), mode="bilinear", antialias=True)
        if progress:
            progress(min(part.stop, len(images)), len(images), f"scaling images to {size} pixels")
    return resized


def train_val_split(labels: Tensor, num_val: int, seed: int) -> tuple[Tensor, Tensor]:
    """Set images of the training split aside for validation, with every class in proportion.

    Args:
        labels: Class of every image, int64 (n,).
        num_val: How many images, such as ``DataConfig.num_val``.
        seed: Decides which; a larger ``num_val`` only adds images to those of a smaller one.

    Returns:
        Training and validation indices, int64, each in rising order. Every class keeps a training image.

    Raises:
        DataError: If a class would lose its last training image.
    """
    priority = _priorities(np.asarray(labels), seed)
    spare = int(np.isfinite(priority).sum())
    if num_val > spare:
        raise DataError(
            f"the validation split would be {num_val:,} of {len(priority):,} images, but only {spare:,} can be spared "
            "if every class is to keep a training image: use a smaller val_size or more images."
        )
    is_val = np.zeros(len(priority), dtype=bool)
    is_val[np.argsort(priority, kind="stable")[:num_val]] = True
    return torch.from_numpy(np.flatnonzero(~is_val)), torch.from_numpy(np.flatnonzero(is_val))


def epoch_order(n: int, seed: int, epoch: int) -> Tensor:
    """The order in which epoch ``epoch`` visits ``n`` images, int64 (n,), on the CPU."""
    return torch.from_numpy(draws.permutation(n, seed, epoch))


def _priorities(labels: np.ndarray, seed: int) -> np.ndarray:
    """Place of each image in the queue for validation, within 0..1 of its class; the last of a class never goes."""
    shuffled = draws.permutation(len(labels), seed, SPLIT_STREAM)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    _, starts, counts = np.unique(labels[by_class], return_index=True, return_counts=True)
    rank = np.arange(len(labels)) - np.repeat(starts, counts)
    size = np.repeat(counts, counts)
    priority = np.empty(len(labels))
    priority[by_class] = np.where(rank == size - 1, np.inf, (rank + 0.5) / size)
    return priority
