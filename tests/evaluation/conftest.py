"""A tiny model and a data set that it was trained on."""

from dataclasses import replace

import numpy as np
import pytest
from builders import model_info, prefixed, vision_transformer

from vit import checkpoint
from vit.data import catalog, store
from vit.data.store import DatasetInfo

SIDE, CLASSES = 8, ("cat", "dog", "ship")


@pytest.fixture
def colors(home) -> DatasetInfo:
    """Noisy images of three colors: 90 to train, 30 to test."""
    rng = np.random.default_rng(0)
    target = store.folder_of("colors")
    with store.creating(target) as staging:
        writer = store.Writer(staging)
        for split, count in (("train", 90), ("test", 30)):
            labels = np.arange(count) % 3
            images = rng.integers(0, 80, (count, 3, SIDE, SIDE))
            images[np.arange(count), labels] += 120
            writer.append(split, images.astype(np.uint8), labels)
        store.publish(staging, target, writer.finish(DatasetInfo("colors", "imported", CLASSES, {}, None, "")))
    return catalog.describe("colors")


@pytest.fixture
def model(colors, tmp_path) -> str:
    """A checkpoint file that says it was trained on the colors."""
    network = vision_transformer()
    info = model_info(network, CLASSES)
    run = info.run.model_copy(update={"data": info.run.data.model_copy(update={"source": "colors", "val_size": 30})})
    data = {"name": "colors", "fingerprint": colors.fingerprint}
    path = tmp_path / "tiny.safetensors"
    checkpoint.save(path, prefixed(network), replace(info, run=run, data=data))
    return str(path)
