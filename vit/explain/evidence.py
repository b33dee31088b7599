"""One method's map together with what speaks for believing it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vit.explain.methods import METHODS, explain
from vit.explain.ranks import spearman
from vit.explain.scores import Band, Score, score
from vit.explain.target import Contrast, Target
from vit.explain.trace import trace
from vit.model import VisionTransformer


@dataclass(frozen=True)
class Evidence:
    """A method's map of one picture, ``values`` (g, g) in main memory, and its score."""

    method: str
    values: Tensor
    score: Score


@dataclass(frozen=True)
class Controls:
    """Rank correlations of a map with the one for another class, and with an untrained model's; NaN if one is flat.

    At 1, the map is not about the class, or not about what was learned.
    """

    other_class: float
    untrained: float


def gather(model: VisionTransformer, inputs: Tensor, target: Target, method: str, band: Band) -> Evidence:
    """Make a method's map of one picture (1, C, H, W) and score it.

    Raises:
        VitError: As ``scores.score``.
    """
    values = explain(method, model, inputs, target)
    return Evidence(method, values[0].cpu(), score(model, inputs, target, values, band))


def control(
    found: Evidence, model: VisionTransformer, fresh: VisionTransformer, inputs: Tensor, target: Target
) -> Controls:
    """Hold a map against the one for another class, and against that of a model that has learned nothing.

    Args:
        found: The map.
        model: That it is of, in eval mode.
        fresh: The same architecture with fresh weights, from ``controls.untrained`` (Adebayo et al. 2018,
            arXiv:1810.03292, all layers at once).
        inputs: The picture (1, C, H, W).
        target: What the map explains.

    Raises:
        VitError: As ``methods.explain``.
    """
    own = found.values[None].to(inputs.device)
    other = explain(found.method, model, inputs, other_target(model, inputs, target)) if is_specific(found) else own
    unlearned = explain(found.method, fresh, inputs, target)
    return Controls(float(spearman(own, other)), float(spearman(own, unlearned)))


def is_specific(found: Evidence) -> bool:
    """Whether another class would make another map."""
    return METHODS[found.method].is_class_specific


def other_target(model: VisionTransformer, inputs: Tensor, target: int | Contrast) -> int | Contrast:
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
    """The maps of all methods that know the model, for ``ranks.consensus``: (M, 1, g, g)."""
    return torch.stack([evidence.values[None] for evidence in found if not METHODS[evidence.method].is_control])
