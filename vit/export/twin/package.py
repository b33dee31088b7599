"""What a person takes away: a script or a notebook alone, or a zip with the images and weights that it reads."""

import zipfile
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from vit import checkpoint
from vit.data.load import load
from vit.errors import CheckpointError
from vit.export.twin.recipe import NAMES, Kind, Recipe
from vit.export.twin.script import notebook, script
from vit.model import VisionTransformer
from vit.runs.directory import Run
from vit.training.batches import to_channels
from vit.training.initialization import start_from

MAKERS = {"script": script, "notebook": notebook}


def write(recipe: Recipe, kind: Kind, target: BinaryIO) -> None:
    """Write the script or notebook; with what it reads, as a zip, where it reads something.

    Raises:
        VitError: If the images or the weights are gone, or have changed since the run began.
    """
    text = MAKERS[kind](recipe)
    if not recipe.has_files:
        target.write(text.encode())
        return
    with zipfile.ZipFile(target, "w") as packed:
        packed.writestr(NAMES[kind], text)
        if recipe.config.init.checkpoint:
            _save(packed, "weights.npz", start_weights(recipe))
        if not recipe.is_public:
            _save(packed, "data.npz", images(recipe))


def _save(packed: zipfile.ZipFile, name: str, arrays: dict[str, np.ndarray]) -> None:
    with packed.open(name, "w", force_zip64=True) as file:
        np.savez(file, allow_pickle=False, **arrays)


def images(recipe: Recipe) -> dict[str, np.ndarray]:
    """Both splits as the model sees them, before validation is set aside: ``train_images``, ``train_labels``, ..."""
    model = recipe.config.model
    dataset = load(recipe.config.data.source, model.image_size)
    recipe.check_data(dataset.fingerprint)
    splits = {"train": dataset.train} | ({"test": dataset.test} if dataset.test else {})
    arrays = {}
    for name, split in splits.items():
        arrays[f"{name}_images"] = to_channels(split.images, model.in_channels).numpy()
        arrays[f"{name}_labels"] = split.labels.numpy()
    return arrays


def start_weights(recipe: Recipe) -> dict[str, np.ndarray]:
    """What the given checkpoint gives to this model, by name, positions and patch kernels resized.

    Raises:
        CheckpointError: If there is no such checkpoint any more, or it is another one than when the run began.
    """
    assert recipe.config.init.checkpoint
    network = VisionTransformer(recipe.config.model)
    report = start_from(network, recipe.config.init.checkpoint, tuple(recipe.images.classes))
    weights = {name: tensor for name, tensor in network.state_dict().items() if name not in report.new}
    _check_unchanged(recipe, weights)
    return {name: tensor.numpy() for name, tensor in weights.items()}


def _check_unchanged(recipe: Recipe, weights: dict[str, Tensor]) -> None:
    """Compare with what the run has kept of its first weights, in half precision."""
    path = Run.find(recipe.run).series_path / "step-0.safetensors" if recipe.run else None
    if path is None or not path.exists():
        return
    kept = checkpoint.model_weights(checkpoint.load(path)[0])
    if not all(torch.equal(tensor.half(), kept[name]) for name, tensor in weights.items()):
        raise CheckpointError(
            f"{recipe.config.init.checkpoint} has other weights than when {recipe.run} began, so a script from them "
            "would not repeat it"
        )
