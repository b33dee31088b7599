"""Checkpoints: one safetensors file that carries weights, configuration and its own SHA-256.

Saving is atomic; loading is strict: size, names, types, shapes, digest and finiteness are checked, the first four
before anything is allocated, and nothing is patched in.
"""

import hashlib
import json
import re
import sys
from functools import lru_cache
from pathlib import Path

import psutil
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from vit import files, models, text
from vit.config import ModelConfig
from vit.errors import CheckpointError
from vit.header import StoredTensor, read_metadata, read_tensors
from vit.model import VisionTransformer
from vit.models import ModelInfo

MAX_TENSORS = 50_000
DTYPES = ("F32", "F16", "BF16")
OPTIMIZER_STATE = re.compile(r"optimizer\.\d\.(?P<parameter>.+):(?P<key>step|exp_avg|exp_avg_sq|momentum_buffer)")


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
    check_values(tensors)
    payload = json.dumps(info.to_json(), allow_nan=False)
    metadata = {"vit": payload, "sha256": digest(tensors, payload)}
    files.write_bytes(path, safetensors.torch.save(tensors, metadata))


def load(model: str | Path) -> tuple[dict[str, Tensor], ModelInfo]:
    """Read and verify a whole checkpoint.

    Raises:
        CheckpointError: If it is missing, damaged, of another version, has other tensors than its model, or
            non-finite weights.
    """
    path = models.resolve(model)
    info, metadata = models.read_info(path), read_metadata(path)
    _check_memory(path)
    _check_tensors(read_tensors(path), info.model)
    try:
        tensors = safetensors.torch.load_file(path)
    except (SafetensorError, OSError, KeyError) as error:
        raise CheckpointError(f"{path.name} is damaged: {error}") from error
    if digest(tensors, metadata["vit"]) != metadata.get("sha256"):
        raise CheckpointError(f"{path.name} is damaged: its content doesn't match its SHA-256")
    check_values(tensors)
    return tensors, info


def _check_memory(path: Path) -> None:
    """Refuse a file that memory can't hold; a sparse one can be that large and take no place on the disk."""
    size, free = path.stat().st_size, psutil.virtual_memory().available
    if size > free:
        raise CheckpointError(f"{path.name} has {text.size(size)}, and {text.size(free)} of memory are free")


def _check_tensors(stored: dict[str, StoredTensor], config: ModelConfig) -> None:
    """Compare what a file claims to hold with what its configuration implies, before either is allocated."""
    if len(stored) > MAX_TENSORS:
        raise CheckpointError(f"it has {len(stored):,} tensors; at most {MAX_TENSORS:,} are read")
    shapes = {name: tensor.shape for name, tensor in stored.items()}
    kinds = [
        f"{name} is {tensor.dtype} instead of {' or '.join(DTYPES)}"
        for name, tensor in stored.items()
        if tensor.dtype not in DTYPES
    ]
    _refuse(_differences(shapes, _expected_shapes(set(stored), config)) + kinds)


def _expected_shapes(names: set[str], config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Weights, their average if there is any, and those states of optimizers that belong to a parameter."""
    shapes = weight_shapes(config)  # pyright: ignore[reportArgumentType], a frozen configuration has a hash
    prefixes = ("model.", "ema.") if any(name.startswith("ema.") for name in names) else ("model.",)
    expected = {prefix + name: shape for prefix in prefixes for name, shape in shapes.items()}
    for state in filter(None, map(OPTIMIZER_STATE.fullmatch, names)):
        if state["parameter"] in shapes:
            expected[state[0]] = () if state["key"] == "step" else shapes[state["parameter"]]
    return expected


@lru_cache(maxsize=16)
def weight_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor in a model's state dict, without a byte of memory for any of them."""
    with torch.device("meta"):  # one block stands for all: 256 of them would take seconds
        single = VisionTransformer(config.model_copy(update={"depth": 1})).state_dict()
    shapes = {}
    for name, tensor in single.items():
        names = [name.replace("blocks.0.", f"blocks.{block}.") for block in range(config.depth)]
        shapes |= dict.fromkeys(names, tuple(tensor.shape))
    return shapes


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
    _refuse(_differences(*({name: tuple(tensor.shape) for name, tensor in part.items()} for part in (weights, own))))
    network.load_state_dict(weights)


def _differences(found: dict[str, tuple], expected: dict[str, tuple]) -> list[str]:
    """In what names and shapes differ."""
    differences = [f"{name} is missing" for name in expected if name not in found]
    differences += [f"{name} is unknown" for name in found if name not in expected]
    return differences + [
        f"{name} is {found[name]} instead of {shape}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]


def _refuse(differences: list[str]) -> None:
    if differences:
        raise CheckpointError(
            f"the weights don't fit this model: {'; '.join(f'{words:.200}' for words in differences[:8])}"
        )


def check_values(tensors: dict[str, Tensor]) -> None:
    """Refuse NaN, infinity and variances below 0, naming the first tensor that has one."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointError(f"{name} has values that are not finite")
        if name.endswith(".running_var") and (tensor < 0).any():
            raise CheckpointError(f"{name} has a variance below 0")


def digest(tensors: dict[str, Tensor], payload: str) -> str:
    """SHA-256 over the description and every tensor's name, type, shape and bytes."""
    assert sys.byteorder == "little", "safetensors files are little-endian"
    hasher = hashlib.sha256(payload.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        hasher.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        hasher.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return hasher.hexdigest()
