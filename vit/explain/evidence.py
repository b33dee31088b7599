"""One method's map together with what speaks for believing it: its score, and maps it should differ from."""

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vit.explain.gradients import change_from_mean
from vit.explain.methods import METHODS, explain
from vit.explain.scores import Score, score
from vit.explain.target import Contrast, Target
from vit.explain.trace import trace
from vit.model import BatchNorm, VisionTransformer, init_weights


@dataclass(frozen=True)
class Evidence:
    """A method's map of one image, ``values`` (g, g) in main memory, and its score."""

    method: str
    values: Tensor
    score: Score
    change: float | None  # logits that the values should add up to; None if they don't mean to


@dataclass(frozen=True)
class Controls:
    """Rank correlations of a map with the one for another class, and with an untrained model's; NaN if one is flat.

    At 1, the map is not about the class, or not about what was learned.
    """

    other_class: float
    untrained: float


def gather(model: VisionTransformer, inputs: Tensor, target: Target, method: str) -> Evidence:
    """Make a method's map of one image (1, C, H, W) and score it.

    Raises:
        VitError: As ``scores.score``.
    """
    values = explain(method, model, inputs, target)
    change = float(change_from_mean(model, inputs, target)) if METHODS[method].is_sum else None
    return Evidence(method, values[0].cpu(), score(model, inputs, target, values), change)


def control(
    found: Evidence, model: VisionTransformer, fresh: VisionTransformer, inputs: Tensor, target: Target
) -> Controls:
    """Hold a map against the one for another class, and against that of a model that has learned nothing.

    ``fresh`` is from ``untrained`` (Adebayo et al. 2018, arXiv:1810.03292, all layers at once); inputs (1, C, H, W).
    """
    own = found.values[None].to(inputs.device)
    is_specific = METHODS[found.method].is_class_specific
    other = explain(found.method, model, inputs, other_target(model, inputs, target)) if is_specific else own
    unlearned = explain(found.method, fresh, inputs, target)
    return Controls(float(spearman(own, other)), float(spearman(own, unlearned)))


def other_target(model: VisionTransformer, inputs: Tensor, target: Target) -> int | Contrast:
    """What a class is held against: the likeliest other class; a contrast, its reverse."""
    if isinstance(target, Contrast):
        return Contrast(target.b, target.a)
    logits = trace(model, inputs).logits[0].clone()
    logits[target] = -torch.inf
    return int(logits.argmax())


def by_score(found: list[Evidence]) -> list[Evidence]:
    """Best first."""
    return sorted(found, key=lambda evidence: -float(evidence.score.advantage))


def maps_of(found: list[Evidence]) -> Tensor:
    """The maps of all methods that know the model, for ``consensus``: (M, 1, g, g)."""
    return torch.stack([evidence.values[None] for evidence in found if not METHODS[evidence.method].is_control])


def untrained(model: VisionTransformer, seed: int = 0) -> VisionTransformer:
    """The same architecture with fresh weights, in eval mode; the same ones for the same seed.

    Drawn like those of a new model, but from a generator of their own, so that nobody else's random numbers move.
    """
    fresh = copy.deepcopy(model).cpu().requires_grad_(False)  # drawn there, so that every device gets the same numbers
    generator = torch.Generator().manual_seed(seed)
    for module in fresh.modules():
        _reset(module, generator)
    fresh.init_tokens(generator)
    return fresh.to(model.head.weight.device)


def _reset(module: nn.Module, generator: torch.Generator) -> None:
    """The starts of ``vit.model.init_weights`` and of convolutions and norms."""
    init_weights(module, generator)
    if isinstance(module, nn.LayerNorm | nn.GroupNorm | BatchNorm):
        module.reset_parameters()
    elif isinstance(module, nn.Conv2d):
        nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
        if module.bias is not None:
            bound = 1 / math.sqrt(module.weight[0].numel())
            nn.init.uniform_(module.bias, -bound, bound, generator=generator)


def ranks(values: Tensor) -> Tensor:
    """Ranks from 0 with ties at their mean: (B, ...) -> (B, P) in float64 and main memory."""
    flat = values.flatten(1).cpu()
    below = (flat[:, None, :] < flat[:, :, None]).sum(-1)
    equal = (flat[:, None, :] == flat[:, :, None]).sum(-1)
    return below + (equal - 1).double() / 2


def spearman(one: Tensor, other: Tensor) -> Tensor:
    """Rank correlation of two maps (B, ...), in [-1, 1]: (B,). NaN where one of them is flat and has no order."""
    first, second = ranks(one), ranks(other)
    first, second = first - first.mean(1, keepdim=True), second - second.mean(1, keepdim=True)
    return (first * second).sum(1) / (first.norm(dim=1) * second.norm(dim=1))


def consensus(maps: Tensor) -> tuple[Tensor, Tensor]:
    """What methods agree on: maps (M, B, g, g) -> mean and spread of each patch's rank, both (B, g, g) in [0, 1].

    A rank is 0 for a map's lowest patch and 1 for its highest; the spread is the standard deviation over methods.
    """
    shape, highest = maps.shape[1:], max(1, maps[0, 0].numel() - 1)
    placed = torch.stack([ranks(values).view(shape) / highest for values in maps])
    return placed.mean(0).to(maps.dtype), placed.std(0, correction=0).to(maps.dtype)
