"""What accuracy a preset can be expected to reach in the time there is, from what it was measured to reach."""

import math

import numpy as np

from vit import presets
from vit.config import RunConfig
from vit.data.cifar10 import CLASSES
from vit.data.store import DatasetInfo

NUM_TRAIN = 50_000
BEYOND = 1.5  # how far outside the measured lengths the nearest one still tells something
# What may differ from the preset without changing what is learned in an epoch.
HARMLESS = {
    "train": {"epochs", "steps", "minutes", "seed", "device", "threads", "processes", "precision", "compile"}
    | {"eval_every", "save_every"},
    "data": {"source"},
}


def accuracy(config: RunConfig, info: DatasetInfo, epochs: float) -> float | None:
    """Test accuracy to expect of a run of that many epochs, interpolated over the logarithm of the epochs.

    Returns:
        None if nothing comparable was measured: another data set than CIFAR-10, a changed recipe, or a length beyond
        the measured ones by more than half.
    """
    preset = presets.PRESETS.get(config.preset)
    if preset is None or not preset.reached or not is_cifar10(info):
        return None
    reference = RunConfig.model_validate(presets.build(config.preset))
    if config.model_dump(exclude=HARMLESS) != reference.model_dump(exclude=HARMLESS):
        return None
    lengths, accuracies = zip(*preset.reached, strict=True)
    if not lengths[0] / BEYOND <= epochs <= lengths[-1] * BEYOND:
        return None
    return float(np.interp(math.log(epochs), np.log(lengths), accuracies))


def is_cifar10(info: DatasetInfo) -> bool:
    """Whether a data set is the one that presets were measured on, whatever its name."""
    return tuple(info.classes) == CLASSES and info.counts.get("train") == NUM_TRAIN
