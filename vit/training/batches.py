"""The data of a run, resident on its device, and the batch of every step as a pure function of (seed, step)."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from vit.config import RunConfig
from vit.data.augment import augment, mix
from vit.data.load import Dataset, Split, epoch_order, train_val_split
from vit.training import distributed

STATISTICS_CHUNK = 4096  # images at a time, to keep the float copy small
GRAY = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow converts


@dataclass(frozen=True)
class RunData:
    """Splits as uint8 tensors on the device, with the constants that normalize them."""

    train: Split
    val: Split
    test: Split | None
    classes: tuple[str, ...]
    name: str
    fingerprint: str
    mean: Tensor
    std: Tensor

    def batch(self, step: int, config: RunConfig) -> tuple[Tensor, Tensor, Tensor]:
        """The augmented batch of a step: images (B, C, H, W) float32, targets (B, K) or (B,), labels (B,).

        With several processes each gets its shard, and B is the size of the shard.
        """
        size, seed = config.train.batch_size, config.train.seed
        is_mixed = bool(config.augment.mixup_alpha or config.augment.cutmix_alpha)
        epoch, position = divmod(step, self.steps_per_epoch(size))
        indices = _order(len(self.train.labels), seed, epoch)[position * size : (position + 1) * size]
        if not is_mixed:  # the augmentation of an image doesn't depend on the others
            indices = distributed.shard(indices)
        places = indices.to(self.mean.device, non_blocking=True)
        images, labels = self.train.images[places], self.train.labels[places]
        images = augment(
            images, config.augment, self.mean, self.std, seed=seed, step=step, epoch=epoch, indices=indices
        )
        if not is_mixed:
            return images, labels, labels
        images, targets = mix(images, labels, len(self.classes), config.augment, seed=seed, step=step)
        return distributed.shard(images), distributed.shard(targets), distributed.shard(labels)

    def steps_per_epoch(self, batch_size: int) -> int:
        """Whole batches in one pass; the few images left over change with every epoch's order."""
        return max(1, len(self.train.labels) // batch_size)


_order = lru_cache(maxsize=2)(epoch_order)


def prepare(dataset: Dataset, config: RunConfig, device: torch.device) -> RunData:
    """Split validation from train, and copy all splits to the device."""
    labels = dataset.train.labels
    train_places, val_places = train_val_split(labels, config.data.num_val(len(labels)), config.train.seed)
    channels = config.model.in_channels
    train = _resident(dataset.train, train_places, channels, device)
    mean, std = channel_statistics(train.images)
    return RunData(
        train=train,
        val=_resident(dataset.train, val_places, channels, device),
        test=_resident(dataset.test, None, channels, device) if dataset.test else None,
        classes=tuple(dataset.classes),
        name=dataset.name,
        fingerprint=dataset.fingerprint,
        mean=mean.to(device),
        std=std.to(device),
    )


def _resident(split: Split, places: Tensor | None, channels: int, device: torch.device) -> Split:
    images, labels = (split.images, split.labels) if places is None else (split.images[places], split.labels[places])
    return Split(to_channels(images, channels).to(device), labels.to(device))


def to_channels(images: Tensor, channels: int) -> Tensor:
    """uint8 (n, 3, H, W) as it is, or its luma (n, 1, H, W)."""
    if images.shape[1] == channels:
        return images
    weights = torch.tensor(GRAY).view(1, 3, 1, 1)
    return torch.cat([(part * weights).sum(1, keepdim=True).round().byte() for part in images.split(STATISTICS_CHUNK)])


def channel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation per channel on [0, 1] of uint8 images (n, C, H, W)."""
    total, squares = torch.zeros(()), torch.zeros(())
    for part in images.split(STATISTICS_CHUNK):
        values = part.double() / 255 if part.device.type != "mps" else part.float() / 255
        total, squares = total + values.sum((0, 2, 3)), squares + values.square().sum((0, 2, 3))
    count = images.numel() / images.shape[1]
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=1e-6).sqrt()
    return mean.float(), std.float()
