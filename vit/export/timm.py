"""Weights for timm (https://github.com/huggingface/pytorch-image-models), whose names ours already are.

weights = safetensors.torch.load_file("model.safetensors")
with safetensors.safe_open("model.safetensors", "pt") as file:
    kind, kwargs = (json.loads(file.metadata()[name]) for name in ("timm_class", "timm"))
getattr(timm.models, kind)(**kwargs).load_state_dict(weights)
"""

import json
from pathlib import Path

import safetensors.torch
import torch

from vit import checkpoint, files
from vit.config import ModelConfig
from vit.errors import CheckpointError, VitError
from vit.positions import ROPE_TEMPERATURE

SAME_NAMES = "patch_size num_classes embed_dim depth num_heads mlp_ratio qkv_bias reg_tokens".split()
ROTARY = {
    "attn_type": "rope",
    "use_abs_pos_emb": False,
    "use_rot_pos_emb": True,
    "rope_grid_indexing": "xy",
    "rope_temperature": ROPE_TEMPERATURE,
}
POOLS = {"cls": "token", "mean": "avg"}


def to_timm(model: str | Path, out: Path) -> None:
    """Write a model as a safetensors file that loads into timm with ``strict=True``.

    Fixed sine-cosine positions become timm's learned ones, with the same numbers. The header carries JSON texts:
    ``timm_class`` (``VisionTransformer``, or ``Eva`` for rotary positions), ``timm`` (its arguments), ``classes``,
    ``mean`` and ``std`` (of inputs on the scale 0..1).

    Args:
        model: A run, a shipped model's name, or a checkpoint file.
        out: Where to; an existing file is replaced only once the new one is read back and found equal.

    Raises:
        CheckpointError: If there is no such model or its file is damaged.
        VitError: If timm has no such architecture.
    """
    network, info = checkpoint.load_with_info(model)
    kinds = {"timm_class": timm_class(info.model), "timm": timm_kwargs(info.model)}
    fields = kinds | {"classes": info.classes, "mean": info.mean, "std": info.std}
    metadata = {name: json.dumps(value) for name, value in fields.items()}
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    with files.replacing(out) as temporary:
        safetensors.torch.save_file(weights, temporary, metadata)
        read = safetensors.torch.load_file(temporary)
        if weights.keys() != read.keys() or not all(torch.equal(weights[name], read[name]) for name in weights):
            raise CheckpointError(f"{out} did not read back as it was written; the disk may be failing")


def timm_class(config: ModelConfig) -> str:
    """Name of the class in ``timm.models``; that with rotary positions is EVA's."""
    return "Eva" if config.pos_embed == "rope" else "VisionTransformer"


def timm_kwargs(config: ModelConfig) -> dict:
    """Arguments of ``timm_class`` for the same architecture, without dropout.

    Raises:
        VitError: If timm can't express it.
    """
    if config.stem != "patch":
        raise VitError(f"timm's VisionTransformer has no stem={config.stem!r}; only models with stem='patch' fit it")
    shared = {name: getattr(config, name) for name in SAME_NAMES} | {
        "img_size": config.image_size,
        "in_chans": config.in_channels,
        "class_token": config.pool == "cls",
        "global_pool": POOLS[config.pool],
    }
    if config.pos_embed == "rope":
        return {"num_reg_tokens": shared.pop("reg_tokens"), **shared, **ROTARY}
    return shared | {"pos_embed": "none" if config.pos_embed == "none" else "learn"}
