"""How the target's probability falls as patches are taken away in a map's order, and rises as they are given back.

(Petsiuk et al. 2018, arXiv:1806.07421.) Everything is counted per patch, so that ties within a patch can't be cut.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from vit.explain.perturbation import answers
from vit.explain.target import Target, probability
from vit.model import VisionTransformer

STEPS = 16


@dataclass(frozen=True)
class Curves:
    """``fractions`` (Q,) of patches from 0 to 1; ``insertion`` and ``deletion`` (B, Q), the target's probability.

    At a fraction, deletion has taken that many of the most important patches away, and insertion has kept only those.
    """

    fractions: Tensor
    insertion: Tensor
    deletion: Tensor

    def area(self, curve: Tensor) -> Tensor:
        """Area under one of the curves (..., Q), by trapezoids over the true fractions, both ends included: (...)."""
        return torch.trapezoid(curve, self.fractions)

    @property
    def advantage(self) -> Tensor:
        """Insertion's area minus deletion's, (B,): above 0 if the order finds what matters, 0 on average by chance."""
        return self.area(self.insertion) - self.area(self.deletion)


def ranked(values: Tensor) -> Tensor:
    """Patches from most to least important, ties in reading order: (B, g, g) -> (B, P)."""
    return values.flatten(1).argsort(dim=1, descending=True, stable=True)


def first_patches(order: Tensor, counts: Tensor) -> Tensor:
    """Which patches are among the first of an order: (B, P) and (Q,) -> bool (B, Q, P)."""
    places = order.argsort(dim=1)  # (B, P), the place of each patch in the order
    return places[:, None, :] < counts.to(order.device)[None, :, None]


def curves(
    model: VisionTransformer,
    inputs: Tensor,
    target: Target,
    values: Tensor,
    steps: int = STEPS,
    without: str = "token",
) -> Curves:
    """Insertion and deletion in the order of a map.

    Args:
        model: In eval mode.
        inputs: (B, C, H, W).
        target: Whose probability is followed.
        values: (B, g, g), higher is more important.
        steps: Into how many the patches are divided; at most one per patch.
        without: What becomes of a patch that is taken away, as in ``perturbation.answers``.

    Raises:
        VitError: As ``perturbation.occlusion``.
    """
    patches = values[0].numel()
    counts = torch.linspace(0, patches, min(steps, patches) + 1).round().long()
    first = first_patches(ranked(values), counts)
    logits = answers(model, inputs, torch.cat([first, ~first], dim=1), without)
    insertion, deletion = probability(logits, target).chunk(2, dim=1)
    return Curves((counts / patches).to(insertion), insertion, deletion)
