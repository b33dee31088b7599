"""The images of a split, with the place of each in the stored data set."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vit.data.load import Dataset, Split, train_val_split
from vit.errors import DataError
from vit.models import ModelInfo


@dataclass(frozen=True)
class PlacedSplit(Split):
    """images uint8 (n, 3, H, W), labels int64 (n,), places int64 (n,) in the stored split."""

    places: Tensor


def choose(dataset: Dataset, name: str, info: ModelInfo) -> PlacedSplit:
    """A split's images and labels; train and validation are those of the model's own training.

    Of data that the model was not trained on, train is all of the stored split.

    Raises:
        DataError: If there is no such split.
    """
    if name == "test":
        if dataset.test is None:
            raise DataError(f"{dataset.name} has no test split; use --split val")
        return PlacedSplit(dataset.test.images, dataset.test.labels, torch.arange(len(dataset.test.labels)))
    images, labels = dataset.train.images, dataset.train.labels
    if name == "train" and dataset.fingerprint != info.data.get("fingerprint"):
        return PlacedSplit(images, labels, torch.arange(len(labels)))
    num_val, seed = info.run.data.num_val(len(labels)), info.run.train.seed
    places = train_val_split(labels, num_val, seed)[name == "val"]
    return PlacedSplit(images[places], labels[places], places)


def some(split: PlacedSplit, count: int, seed: int = 0) -> PlacedSplit:
    """At most ``count`` images, drawn by a seed, in their order."""
    total = len(split.labels)
    if total <= count:
        return split
    chosen = torch.randperm(total, generator=torch.Generator().manual_seed(seed))[:count].sort().values
    return PlacedSplit(split.images[chosen], split.labels[chosen], split.places[chosen])
