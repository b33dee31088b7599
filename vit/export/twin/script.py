"""From a recipe to the text of its script, and to a notebook of the same cells. No torch."""

import json
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vit.export.twin import header
from vit.export.twin.recipe import Recipe

SECTIONS = ("settings", "data", "augment", "model", "optimizer", "training")
CELL = "# %% "  # begins a cell, here and in editors that know cells in scripts
DRAWS = {"crop_padding": 2, "rand_augment": 7, "color_jitter": 10, "random_erasing": 15}  # random numbers per image
STANDARD = {name: (rf"\b{name}\.", f"import {name}") for name in ("copy", "math", "random")}
OTHERS = {
    "np": (r"\bnp\.", "import numpy as np"),
    "torch": (r"\btorch\.", "import torch"),
    "nn": (r"\bnn\.", "from torch import Tensor, nn"),
    "F": (r"\bF\.", "from torch.nn import functional as F"),
    "CIFAR10": (r"\bCIFAR10\(", "from torchvision.datasets import CIFAR10"),
}
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
)


def script(recipe: Recipe) -> str:
    """``train.py``: one file that trains as the recipe does, with torch, torchvision and numpy only."""
    body = _body(recipe)
    return f'"""{header.text(recipe)}\n"""\n\n{_imports(body)}\n\n{body}'


def notebook(recipe: Recipe) -> str:
    """The same as a notebook (https://nbformat.readthedocs.io), in which the header and titles are text."""
    body = _body(recipe)
    cells = [_text(f"# {header.text(recipe)}"), _code(_imports(body))]
    for cell in body.split(CELL)[1:]:
        title, _, code = cell.partition("\n")
        cells += [_text(f"## {title}"), _code(code.strip())]
    numbered = [{"id": f"cell-{place}", **cell} for place, cell in enumerate(cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {"cells": numbered, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1) + "\n"


def _body(recipe: Recipe) -> str:
    context = _context(recipe)
    sections = [_templates.get_template(f"{name}.py.jinja").render(context).strip("\n") for name in SECTIONS]
    return _spaced("\n\n".join(filter(None, sections)) + "\n")


def _spaced(body: str) -> str:
    """Two empty lines before a cell that begins with a function, or follows one, as ruff has it."""
    body = re.sub(rf"\n+({CELL}[^\n]*\n(?:@|def |class ))", r"\n\n\n\1", body)
    return re.sub(rf"(\n    +(?:return|raise) [^\n]*)\n+({CELL})", r"\1\n\n\n\2", body)


def _imports(body: str) -> str:
    """What the body uses, as isort has it."""
    groups = ([line for use, line in group.values() if re.search(use, body)] for group in (STANDARD, OTHERS))
    return "\n\n".join("\n".join(group) for group in groups if group)


def settings(**values: object) -> str:
    """Names and their values in one line: ``A, B = 1, 2``."""
    return f"{', '.join(values)} = {', '.join(map(str, values.values()))}"


def given(**values: float) -> str:
    """The same of those that are not zero, which is off; nothing if all are."""
    kept = {name: value for name, value in values.items() if value}
    return settings(**kept) if kept else ""


def _context(recipe: Recipe) -> dict:
    """What the templates may name."""
    config = recipe.config
    sections = {"recipe": recipe, "config": config, "model": config.model, "augment": config.augment}
    return sections | {"train": config.train, "settings": settings, "given": given} | _model(recipe) | _steps(recipe)


def _model(recipe: Recipe) -> dict:
    model = recipe.config.model
    before, has_drop_path = (model.in_channels, *model.stem_widths), model.drop_path_rate > 0 and model.depth > 1
    has_patch_drop = model.num_kept_patches < model.num_patches
    has_dropout = has_drop_path or model.drop_rate > 0 or model.attn_drop_rate > 0

    def dropped(value: str) -> str:
        return f"F.dropout({value}, DROP_RATE, self.training)" if model.drop_rate else value

    return {
        "dropped": dropped,
        "stem": list(zip(before, model.stem_widths, model.stem_pools, model.stem_residuals, strict=False)),
        "norm": "norm" if model.pool == "cls" else "fc_norm",
        "rotation_argument": ", rotation: Tensor | None = None" if model.pos_embed == "rope" else "",
        "needs_prefix": model.pos_embed != "none" or model.pool == "mean" or has_patch_drop,
        "has_patch_drop": has_patch_drop,
        "has_drop_path": has_drop_path,  # the first block drops nothing
        "has_dropout": has_dropout,
        "has_random": has_patch_drop or has_dropout,
    }


def _steps(recipe: Recipe) -> dict:
    augment, train, init = recipe.config.augment, recipe.config.train, recipe.config.init
    needed = [count for name, count in DRAWS.items() if getattr(augment, name)] + [3] * (augment.flip == "random")
    has_head_only, has_layer_decay = init.trainable == "head", init.layer_decay < 1
    has_blocks = not has_head_only and init.frozen_blocks < recipe.config.model.depth
    has_muon = train.optimizer == "muon" and has_blocks  # the head is none of its matrices
    return {
        "has_statistics": recipe.config.model.is_resnet and recipe.processes > 1,
        "num_draws": max(needed, default=0),
        "has_augment": bool(needed) or augment.flip == "alternating",
        "has_mix": bool(augment.mixup_alpha or augment.cutmix_alpha),
        "mix_words": _mix_words(bool(augment.mixup_alpha), bool(augment.cutmix_alpha)),
        "init": init,
        "has_head_only": has_head_only,
        "has_some_frozen": has_head_only or init.frozen_blocks > 0,
        "has_layer_decay": has_layer_decay,
        "has_layers": has_layer_decay or (not has_head_only and init.frozen_blocks > 0),
        "has_muon": has_muon,
        "has_momentum": has_muon or (train.optimizer == "sgd" and train.momentum > 0),
    }


def _mix_words(is_blended: bool, is_patched: bool) -> str:
    if is_blended and is_patched:
        return "Blend each image with its neighbor (mixup, arXiv:1710.09412) or paste a part of it (CutMix, 1905.04899)"
    if is_blended:
        return "Mixup (arXiv:1710.09412): blend each image with its neighbor in the batch"
    return "CutMix (arXiv:1905.04899): paste a rectangle of its neighbor into each image"


def _text(content: str) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": content}


def _code(content: str) -> dict:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": content}
