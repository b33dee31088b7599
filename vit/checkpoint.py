"""Checkpoints: one safetensors file that carries weights, configuration and its own SHA-256.

Saving is atomic; loading is strict: digest, format, shapes and finiteness are checked, nothing is patched in.
"""

import hashlib
import json
import sys
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from vit import files, models
from vit.errors import CheckpointError
from vit.header import read_metadata
from vit.model import VisionTransformer
from vit.models import ModelInfo

MAX_TENSORS = 50_000


def save(path: Path, tensors: dict[str, Tensor], info: ModelInfo) -> None:
    """Write a checkpoint atomically.

    Args:
        path: Where to; an existing file is replaced only once the new one is safely on disk.
        tensors: ``model.*`` weights, and what else a resume needs (``ema.*``, ``optimizer.*``).
        info: The description that lets the model rebuild itself.

    Raises:
        CheckpointError: If a tensor has NaN or infinity; nothing is written then.
        OSError: If the disk is full or not writable; ``path`` is then untouched.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    check_finite(tensors)
    payload = json.dumps(info.to_json(), allow_nan=False)
    metadata = {"vit": payload, "sha256": digest(tensors, payload)}
    files.write_bytes(path, safetensors.torch.save(tensors, metadata))


def load(model: str | Path) -> tuple[dict[str, Tensor], ModelInfo]:
    """Read and verify a whole checkpoint.

    Raises:
        CheckpointError: If it is missing, damaged, of another version, or has non-finite weights.
    """
    path = models.resolve(model)
    info, metadata = models.read_info(path), read_metadata(path)
    try:
        tensors = safetensors.torch.load_file(path)
    except (SafetensorError, OSError, KeyError) as error:
        raise CheckpointError(f"{path.name} is damaged: {error}") from error
    if len(tensors) > MAX_TENSORS:
        raise CheckpointError(f"{path.name} has {len(tensors):,} tensors; at most {MAX_TENSORS:,} are read")
    if digest(tensors, metadata["vit"]) != metadata.get("sha256"):
        raise CheckpointError(f"{path.name} is damaged: its content doesn't match its SHA-256")
    check_finite(tensors)
    return tensors, info


def load_model(model: str | Path) -> VisionTransformer:
    """Rebuild a model from its checkpoint alone, in eval mode; arguments and errors as of ``load_with_info``."""
    return load_with_info(model)[0]


def load_with_info(model: str | Path) -> tuple[VisionTransformer, ModelInfo]:
    """Rebuild a model from its checkpoint alone, in eval mode, with its description beside it.

    Args:
        model: A run, a shipped model's name, or a checkpoint file.

    Raises:
        CheckpointError: If it can't be loaded exactly as it was saved.
    """
    tensors, info = load(model)
    network = VisionTransformer(info.model)
    load_weights(network, model_weights(tensors))
    return network.eval(), info


def model_weights(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights to predict with: averaged ones if the run kept an average, otherwise the plain ones."""
    prefix = "ema." if any(name.startswith("ema.") for name in tensors) else "model."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def load_weights(network: torch.nn.Module, weights: dict[str, Tensor]) -> None:
    """Copy weights into a network whose names and shapes they match exactly.

    Raises:
        CheckpointError: With the list of differences.
    """
    own = network.state_dict()
    differences = [f"{name} is missing" for name in own if name not in weights]
    differences += [f"{name} is unknown" for name in weights if name not in own]
    differences += [
        f"{name} is {tuple(weights[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in own.items()
        if name in weights and weights[name].shape != tensor.shape
    ]
    if differences:
        raise CheckpointError(f"the weights don't fit this model: {'; '.join(differences[:8])}")
    network.load_state_dict(weights)


def check_finite(tensors: dict[str, Tensor]) -> None:
    """Refuse NaN and infinity, naming the first tensor that has one."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointError(f"{name} has values that are not finite")


def digest(tensors: dict[str, Tensor], payload: str) -> str:
    """SHA-256 over the description and every tensor's name, type, shape and bytes."""
    assert sys.byteorder == "little", "safetensors files are little-endian"
    hasher = hashlib.sha256(payload.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        hasher.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        hasher.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return hasher.hexdigest()
