"""How far a map can be believed: measured on the model itself, beside what chance and ignorance reach.

No single number is the truth about a map. Each says its direction, and is shown with its control.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from vit.errors import VitError
from vit.explain.perturbation import answers
from vit.explain.target import Target, log_odds, probability
from vit.model import VisionTransformer

STEPS = 16  # of the curves
GROUPS = 8  # of SaCo
ORDERS = 8  # random ones


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


def curves(model: VisionTransformer, inputs: Tensor, target: Target, values: Tensor, steps: int = STEPS) -> Curves:
    """Insertion and deletion in the order of a map.

    Args:
        values: (B, g, g), higher is more important.
        steps: Into how many the patches are divided; at most one per patch.
    """
    patches = values[0].numel()
    counts = torch.linspace(0, patches, min(steps, patches) + 1).round().long()
    first = first_patches(ranked(values), counts)
    logits = answers(model, inputs, torch.cat([first, ~first], dim=1))
    insertion, deletion = probability(logits, target).chunk(2, dim=1)
    return Curves((counts / patches).to(insertion), insertion, deletion)


@dataclass(frozen=True)
class Band:
    """What random orders reach on an image, each (B,): of ``Curves.advantage``, and the deviation of SaCo.

    Each order comes with its reverse, whose score is the opposite and isn't measured anew; so the means are 0.
    """

    mean: Tensor
    sd: Tensor
    saco_sd: Tensor


@dataclass(frozen=True)
class Score:
    """How faithful a map is, each (B,)."""

    saco: Tensor  # in [-1, 1]; 1 if patches that the map calls more important always are, 0 by chance
    insertion: Tensor  # area under the insertion curve; higher is better
    deletion: Tensor  # area under the deletion curve; lower is better
    random_mean: Tensor  # mean of ``advantage`` over random orders
    random_sd: Tensor  # its standard deviation
    saco_random_sd: Tensor  # standard deviation of SaCo over random orders
    curves: Curves  # what the areas are of

    @property
    def advantage(self) -> Tensor:
        """Insertion minus deletion: the number to compare with random orders."""
        return self.insertion - self.deletion


def score(model: VisionTransformer, inputs: Tensor, target: Target, values: Tensor, band: Band | None = None) -> Score:
    """Measure a map: patches are dropped as tokens, in the order and in groups of the map's values.

    Args:
        values: (B, g, g), raw.
        band: Of the same images and target, from ``random_band``; it doesn't depend on the map, so keep it.

    Raises:
        VitError: If the map isn't one of these images, isn't finite, or has a single patch, which has no order.
    """
    check_map(model, inputs, values)
    band = band or random_band(model, inputs, target)
    found = curves(model, inputs, target, values)
    return Score(
        saco=saco(model, inputs, target, values),
        insertion=found.area(found.insertion),
        deletion=found.area(found.deletion),
        random_mean=band.mean,
        random_sd=band.sd,
        saco_random_sd=band.saco_sd,
        curves=found,
    )


def saco(model: VisionTransformer, inputs: Tensor, target: Target, values: Tensor, groups: int = GROUPS) -> Tensor:
    """Salience-guided faithfulness coefficient (Wu et al. 2024, arXiv:2404.01415): (B,) in [-1, 1].

    Patches are cut into groups by falling salience, and each group is dropped. For every pair of groups the
    more salient one has to cost the target more; a pair counts as much as its saliences differ. Salience is a group's
    mean, so that groups of unequal size compare, and what a group costs is measured in log-odds, which order as the
    paper's probabilities do but don't saturate. A flat map scores 0.

    Raises:
        VitError: As ``score``.
    """
    check_map(model, inputs, values)
    member = _groups(ranked(values), min(groups, values[0].numel()))  # (B, G, P)
    salience = (member * values.flatten(1)[:, None]).sum(-1) / member.sum(-1)
    remaining = log_odds(answers(model, inputs, ~member), target)  # (B, G); the less remains, the more a group cost
    return _agreement(salience, -remaining)


def _groups(order: Tensor, count: int) -> Tensor:
    """Cut an order (B, P) into groups that differ in size by at most one: bool (B, G, P)."""
    parts = order.tensor_split(count, dim=1)
    empty = torch.zeros_like(order, dtype=torch.bool)
    return torch.stack([empty.scatter(1, part, True) for part in parts], dim=1)


def _agreement(salience: Tensor, cost: Tensor) -> Tensor:
    """Share of salience differences whose sign the costs confirm, minus the rest; both (B, G), most salient first."""
    first, second = torch.triu_indices(salience.shape[1], salience.shape[1], 1)
    weight = salience[:, first] - salience[:, second]
    signed = torch.where(cost[:, first] >= cost[:, second], weight, -weight)
    return signed.sum(1) / weight.sum(1).clamp_min(torch.finfo(weight.dtype).tiny)


def random_band(model: VisionTransformer, inputs: Tensor, target: Target, orders: int = ORDERS, seed: int = 0) -> Band:
    """What random orders score on these images, for the same target as the maps to be compared with it.

    Args:
        orders: How many; half of them are drawn and the others are their reverses.
        seed: Of the draw.

    Raises:
        VitError: As ``score``.
    """
    grid, generator = model.config.grid_size, torch.Generator().manual_seed(seed)
    noise = torch.rand(orders // 2, grid, grid, generator=generator).to(inputs)
    maps = [value.expand(len(inputs), -1, -1) for value in noise]
    advantages = torch.stack([curves(model, inputs, target, values).advantage for values in maps])
    coefficients = torch.stack([saco(model, inputs, target, values) for values in maps])
    advantages, coefficients = (torch.cat([found, -found]) for found in (advantages, coefficients))
    return Band(advantages.mean(0), advantages.std(0), coefficients.std(0))


def check_map(model: VisionTransformer, inputs: Tensor, values: Tensor) -> None:
    """Refuse to score what isn't a map of these images, or has no order."""
    expected = (len(inputs), model.config.grid_size, model.config.grid_size)
    if tuple(values.shape) != expected:
        raise VitError(f"the map has shape {tuple(values.shape)}; maps of these images have {expected}")
    if not values.isfinite().all():
        raise VitError("the map holds NaN or infinity, so it can't be scored")
    if model.config.num_patches < 2:
        raise VitError(
            "this model cuts an image into a single patch, so that its maps have no order to score; choose one with "
            "smaller patches"
        )
