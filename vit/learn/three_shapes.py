"""Three of the built-in shapes as a data set, and a recipe that fits: what the short trainings of Learn share."""

import numpy as np
import torch

from vit.data import catalog, shapes
from vit.data.load import Dataset, Split

CLASSES = ("circle", "cross", "star")
RECIPE = {
    "model.depth": 2,
    "model.num_classes": len(CLASSES),
    "train.epochs": None,
    "train.optimizer": "muon",
    "train.lr": 2e-2,
    "train.label_smoothing": 0.0,
    "train.device": "cpu",
    "train.threads": 1,
}


def dataset(num_images: int, image_size: int) -> Dataset:
    """The first shapes of these classes, all of them to train on; ``image_size`` is their side in pixels."""
    numbers = [shapes.CLASSES.index(name) for name in CLASSES]
    candidates = np.arange(10 * num_images)
    chosen = candidates[np.isin(shapes.label_of(candidates), numbers)][:num_images]
    images, labels, _ = shapes.render(chosen, image_size)
    places = torch.tensor([numbers.index(label) for label in labels.tolist()])
    return Dataset("shapes", CLASSES, Split(torch.from_numpy(images), places), None, catalog.SHAPES.fingerprint)
