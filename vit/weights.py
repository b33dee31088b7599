"""Weights of timm's Vision Transformers as a start: read from a file, fitted to this model, kept as a checkpoint.

Names are timm's already, so most tensors are taken as they are. Scales of residual branches (LayerScale) go into the
matrices before them, positions of models without any for the class token get zeros for it: both change no answer.
"""

import hashlib
import io
import json
import pickle
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from vit import checkpoint, files, paths
from vit.config import ModelConfig, RunConfig
from vit.errors import CheckpointError, ConfigError
from vit.export.timm import ROTARY
from vit.model import VisionTransformer
from vit.models import ModelInfo
from vit.rules import validate

HEAD_DIM = 64  # of timm's ViTs; the shapes of weights don't tell the number of heads
USUAL_SIZE = 224  # of timm's ViTs in pixels, for those without positions
MAX_BYTES = 4 * 10**9
CONTAINERS = ("state_dict_ema", "model_ema", "state_dict", "model")  # where training scripts put the weights
HALF = (0.5, 0.5, 0.5)  # mean and deviation that most of timm's ViTs are fed with
NAME_LENGTH = 60
MOST_NAMED = 8  # of the tensors that did not fit


@dataclass(frozen=True)
class Adopted:
    """A file that was taken over.

    Attributes:
        path: The checkpoint that it became; the same content always has the same place.
        notes: What did not fit, or had to be assumed.
    """

    path: Path
    notes: tuple[str, ...]


def adopt(name: str, content: bytes) -> Adopted:
    """Keep the weights of a timm ViT as a checkpoint to start from.

    Args:
        name: Of the file; the checkpoint is called after it.
        content: A safetensors file, or one that ``torch.save`` has written, of which only tensors are read.

    Raises:
        CheckpointError: If it can't be read, or is not a Vision Transformer that this project can express.
    """
    tensors, described = _read(name, content)
    config = _config(tensors, described)
    weights, notes = _fitted(tensors, config)
    if not _number(described, "num_heads"):
        notes += (f"num_heads is taken to be {config.num_heads}, {HEAD_DIM} numbers each, as the file does not say",)
    stem = re.sub(r"[^a-z0-9-]+", "-", Path(name).stem.lower()).strip("-")[:NAME_LENGTH] or "weights"
    path = paths.weights_root() / f"{stem}-{hashlib.sha256(content).hexdigest()[:8]}.safetensors"
    files.make_folder(path.parent)
    info = _info(Path(name).name, config, described, notes)
    checkpoint.save(path, {f"model.{key}": tensor for key, tensor in weights.items()}, info)
    return Adopted(path, notes)


def adopt_file(path: Path) -> Adopted:
    """The same from a file on disk.

    Raises:
        CheckpointError: As of ``adopt``, or if it can't be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CheckpointError(f"{path.name} is larger than {MAX_BYTES / 1e9:g} GB")
        return adopt(path.name, path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror or error}") from error


def _read(name: str, content: bytes) -> tuple[dict[str, Tensor], dict]:
    """The tensors of a file as float32, and what its header says in JSON texts."""
    try:
        if Path(name).suffix == ".safetensors":
            found, described = safetensors.torch.load(content), _described(content)
        else:
            found, described = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True), {}
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise CheckpointError(f"{name:.80} holds no weights that can be read: {error!s:.200}") from error
    found = next((found[key] for key in CONTAINERS if isinstance(found, dict) and key in found), found)
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise CheckpointError(f"{name:.80} is not a state dict: it should hold tensors by name, and nothing else")
    if any(value.layout != torch.strided or value.is_complex() for value in found.values()):
        raise CheckpointError(f"{name:.80} holds sparse or complex tensors, which no ViT of timm has")
    return {str(key).removeprefix("module."): value.float() for key, value in found.items()}, described


def _described(content: bytes) -> dict:
    """What the header of a safetensors file says in JSON texts, as an export of this project does."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    described = {}
    for key, value in header.get("__metadata__", {}).items():
        try:
            described[key] = json.loads(value)
        except (ValueError, RecursionError):
            continue
    return described


def _number(described: dict, argument: str) -> int:
    """What the header says of an argument of timm's model; 0 if it says nothing that makes sense."""
    arguments = described.get("timm")
    value = arguments.get(argument) if isinstance(arguments, dict) else 0
    return value if isinstance(value, int) and value > 0 else 0


def _config(tensors: dict[str, Tensor], described: dict) -> ModelConfig:
    """The model that these weights are of, from their shapes."""
    patch, mlp = tensors.get("patch_embed.proj.weight"), tensors.get("blocks.0.mlp.fc1.weight")
    blocks = {int(found[1]) for found in map(re.compile(r"blocks\.(\d+)\.").match, tensors) if found}
    if patch is None or patch.ndim != 4 or mlp is None or mlp.ndim != 2 or blocks != {*range(len(blocks))}:
        raise CheckpointError("these are not the weights of a ViT with timm's names (patch_embed.proj, blocks.0, ...)")
    dim, has_class_token = patch.shape[0], "cls_token" in tensors
    num_registers = tensors["reg_token"].shape[1] if "reg_token" in tensors else 0
    fields = {
        "patch_size": patch.shape[-1],
        "in_channels": patch.shape[1],
        "embed_dim": dim,
        "depth": len(blocks),
        "num_heads": _number(described, "num_heads") or max(1, dim // HEAD_DIM),
        "mlp_ratio": mlp.shape[0] / dim,
        "qkv_bias": "blocks.0.attn.qkv.bias" in tensors,
        "pool": "cls" if has_class_token and "fc_norm.weight" not in tensors else "mean",
        "reg_tokens": num_registers,
        "pos_embed": _kind_of_positions(tensors, described),
        "num_classes": max(2, len(tensors.get("head.weight", ()))),
        "image_size": patch.shape[-1] * _grid(tensors, has_class_token + num_registers, described),
    }
    try:
        return validate({"model": fields}).model
    except ConfigError as error:
        raise CheckpointError(f"a model of these weights can't be built here: {error}") from error


def _kind_of_positions(tensors: dict[str, Tensor], described: dict) -> str:
    """Rotary positions have no weights, so only the header can tell of them."""
    if "pos_embed" in tensors:
        return "learned"
    arguments = described.get("timm")
    is_rotary = isinstance(arguments, dict) and all(arguments.get(name) == value for name, value in ROTARY.items())
    return "rope" if is_rotary else "none"


def _grid(tensors: dict[str, Tensor], prefix: int, described: dict) -> int:
    """Patches along one side, from the number of positions."""
    if "pos_embed" not in tensors:
        return (_number(described, "img_size") or USUAL_SIZE) // tensors["patch_embed.proj.weight"].shape[-1]
    count = tensors["pos_embed"].shape[1]
    for patches in (count - prefix, count - 1, count):
        if patches > 0 and isqrt(patches) ** 2 == patches:
            return isqrt(patches)
    raise CheckpointError(f"its {count} positions are not those of a square image")


def _fitted(tensors: dict[str, Tensor], config: ModelConfig) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The whole state dict of a model of ours, and what did not fit."""
    found = _without_scales(tensors)
    if "pos_embed" in found:
        found["pos_embed"] = _positions(found["pos_embed"], config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # of what the file lacks
        own = VisionTransformer(config).state_dict()
    fitting = {name: found[name] for name in own if name in found and found[name].shape == own[name].shape}
    new = [name for name in own if name not in fitting]
    left = [name for name in found if name not in fitting]
    notes = {"new, because the file has none that fit": new, "left out": left}
    return own | fitting, tuple(f"{words}: {_listed(names)}" for words, names in notes.items() if names)


def _listed(names: list[str]) -> str:
    """The first names, those of all blocks as one: ``blocks.*.attn.q_norm.weight``."""
    found = sorted({re.sub(r"^blocks\.\d+\.", "blocks.*.", name) for name in names})
    return ", ".join(found[:MOST_NAMED]) + (f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else "")


def _without_scales(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """LayerScale folded into the last matrix of its branch: gamma (W x + b) = (gamma W) x + gamma b."""
    found = dict(tensors)
    for name in [name for name in tensors if name.endswith((".ls1.gamma", ".ls2.gamma"))]:
        gamma, block = found.pop(name), name[: -len(".ls1.gamma")]
        layer = f"{block}.attn.proj" if ".ls1." in name else f"{block}.mlp.fc2"
        found[f"{layer}.weight"] = gamma[:, None] * found[f"{layer}.weight"]
        found[f"{layer}.bias"] = gamma * found[f"{layer}.bias"]
    return found


def _positions(positions: Tensor, config: ModelConfig) -> Tensor:
    """Those of the patches, behind one for each prefix token: zeros where the file has none, (1, N, D)."""
    num_prefix = positions.shape[1] - config.num_patches
    dropped = max(0, num_prefix - config.num_prefix_tokens)  # of a class token beside mean pooling
    prefix = positions[:, dropped:num_prefix]
    zeros = torch.zeros(1, config.num_prefix_tokens - prefix.shape[1], positions.shape[2])
    return torch.cat([prefix, zeros, positions[:, num_prefix:]], dim=1)


def _info(name: str, config: ModelConfig, described: dict, notes: tuple[str, ...]) -> ModelInfo:
    """The description of the checkpoint; classes that the file doesn't name are numbers."""
    numbered = [f"class {place}" for place in range(config.num_classes)]
    classes = _listing(described.get("classes"), str, numbered)
    mean, std = (_listing(described.get(key), float, HALF[: config.in_channels]) for key in ("mean", "std"))
    return ModelInfo(
        run=RunConfig(model=config),
        classes=classes,
        mean=mean,
        std=std,
        data={"name": name, "notes": list(notes)},
        step=0,
        epoch=0.0,
        metrics={},
        environment={},
    )


def _listing(value: object, kind: type, default: Sequence) -> tuple:
    """A list of as many values of a kind as there are in ``default``, or else the default."""
    if isinstance(value, list) and len(value) == len(default) and all(isinstance(item, kind) for item in value):
        return tuple(value)
    return tuple(default)
