"""How far a map can be believed: measured on the model itself, beside what chance and ignorance reach.

No single number is the truth about a map. Each says its direction, and is shown with its control.
"""

import functools
import itertools
from dataclasses import dataclass

import torch
from torch import Tensor

from vit.errors import VitError
from vit.explain.perturbation import answers
from vit.explain.target import Target, log_odds, probability
from vit.model import VisionTransformer

GROUPS = 6  # 64 subsets to ask the model about, 720 orders to compare with
SURE, UNSURE = 0.05, 0.1  # shares of all orders
ROUNDING = 1e-6  # of an area; below it, two orders score the same


@dataclass(frozen=True)
class Score:
    """How faithful a map is, each (B,).

    A map's patches are cut into groups, from most to least important. "Chance" are all orders of these groups: as the
    model is asked about every subset of the groups, each order's score is known, and none has to be drawn.
    """

    insertion: Tensor  # area under the insertion curve; higher is better
    deletion: Tensor  # area under the deletion curve; lower is better
    saco: Tensor  # in [-1, 1]; 1 if groups that the map calls more important always are, 0 by chance
    saco_sd: Tensor  # standard deviation of SaCo over all orders; their mean is 0
    rank: Tensor  # place of the map's order among all orders; 1 is the best, and ties share the last of their places
    rank_from_below: Tensor  # the same, counted from the worst
    low: Tensor  # score that 5 % of all orders stay below
    high: Tensor  # score that 95 % of all orders stay below
    orders: int  # how many there are

    @property
    def advantage(self) -> Tensor:
        """Insertion minus deletion: above 0 if the order finds what matters; its mean over all orders is 0."""
        return self.insertion - self.deletion

    def verdict(self, image: int = 0) -> str:
        """What the rank of an image's map says.

        Between 5 and 10 % it is left open: there, cutting the map into more or fewer groups can turn the answer.
        """
        above, below = (float(place[image]) / self.orders for place in (self.rank, self.rank_from_below))
        if min(above, below) <= SURE:
            return "beats chance" if above < below else "below chance"
        return "can't tell" if min(above, below) <= UNSURE else "like chance"


def score(model: VisionTransformer, inputs: Tensor, target: Target, values: Tensor, groups: int = GROUPS) -> Score:
    """Measure a map: patches are dropped as tokens, in groups of the map's order.

    Insertion is the target's probability with the most important groups alone, deletion without them; both are areas
    over the share of patches, from 0 to 1, by trapezoids.

    SaCo, the salience-guided faithfulness coefficient, is that of Wu et al. 2024, arXiv:2404.01415: for every pair of
    groups, losing the more salient one has to cost the target more; a pair counts as much as its saliences differ.
    Salience is a group's mean, so that groups of unequal size compare, and what a group costs is measured in log-odds,
    which order as the paper's probabilities do but don't saturate. A flat map scores 0.

    Args:
        values: (B, g, g), raw, higher is more important.
        groups: Into how many the patches are cut; one fewer where their number is odd and this one even.

    Raises:
        VitError: If the map isn't one of these images, isn't finite, or has a single patch, which has no order.
    """
    check_map(model, inputs, values)
    member = cut(ranked(values), groups)  # (B, G, P)
    logits = answers(model, inputs, unions(member))  # (B, 2^G, K)
    insertion, deletion = areas(probability(logits, target), member[0].sum(1))
    advantage = insertion - deletion  # (B, G!), the map's own order first
    coefficients = _coefficients(member, values, log_odds(logits, target))
    low, high = advantage.quantile(torch.tensor([SURE, 1 - SURE]).to(advantage), dim=1)
    return Score(
        insertion=insertion[:, 0],
        deletion=deletion[:, 0],
        saco=coefficients[:, 0],
        saco_sd=coefficients.std(1, correction=0),
        rank=(advantage >= advantage[:, :1] - ROUNDING).sum(1),
        rank_from_below=(advantage <= advantage[:, :1] + ROUNDING).sum(1),
        low=low,
        high=high,
        orders=advantage.shape[1],
    )


def ranked(values: Tensor) -> Tensor:
    """Patches from most to least important, ties in reading order: (B, g, g) -> (B, P)."""
    return values.flatten(1).argsort(dim=1, descending=True, stable=True)


def first_patches(order: Tensor, counts: Tensor) -> Tensor:
    """Which patches are among the first of an order: (B, P) and (Q,) -> bool (B, Q, P)."""
    places = order.argsort(dim=1)  # (B, P), the place of each patch in the order
    return places[:, None, :] < counts.to(order.device)[None, :, None]


def cut(order: Tensor, count: int) -> Tensor:
    """Cut an order (B, P) into groups, first one first: bool (B, G, P).

    Sizes differ by at most one and are the same from both ends, so that an order's reverse has the same groups. As an
    odd number of patches can't be cut into an even number of groups like that, it is cut into one fewer.
    """
    patches = order.shape[1]
    count = min(count, patches) - (patches % 2 == 1 and min(count, patches) % 2 == 0)
    steps = torch.arange(count + 1)
    edges = (patches * steps / count).round().long()
    edges = torch.where(2 * steps <= count, edges, patches - edges.flip(0))
    return first_patches(order, edges[1:]) & ~first_patches(order, edges[:-1])


def unions(member: Tensor) -> Tensor:
    """All unions of groups, bool (B, G, P) -> (B, 2^G, P); number n has the groups whose bits n has."""
    count = member.shape[1]
    chosen = torch.arange(2**count)[:, None] >> torch.arange(count) & 1  # (2^G, G)
    return (chosen.to(member.device)[None, :, :, None].bool() & member[:, None]).any(2)


@functools.cache
def every_order(count: int) -> Tensor:
    """All orders of so many groups, the given one first: (G!, G)."""
    return torch.tensor(list(itertools.permutations(range(count))))


def areas(probabilities: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
    """Areas under the insertion and the deletion curve of every order of the groups, each (B, G!).

    Args:
        probabilities: The target's, for all ``unions``, (B, 2^G).
        sizes: Of the groups, in patches, (G,).
    """
    orders = every_order(len(sizes))
    numbers = torch.nn.functional.pad((2**orders).cumsum(1), (1, 0)).to(probabilities.device)  # (G!, G + 1)
    widths = sizes.to(probabilities)[orders.to(sizes.device)] / sizes.sum()  # (G!, G)
    curves = probabilities[:, numbers], probabilities.flip(1)[:, numbers]  # what number n keeps, the flipped one drops
    insertion, deletion = ((widths * (curve[..., 1:] + curve[..., :-1]) / 2).sum(-1) for curve in curves)
    return insertion, deletion


def _coefficients(member: Tensor, values: Tensor, log_odds: Tensor) -> Tensor:
    """SaCo of every order: the groups' saliences against their costs in another order: (B, G!)."""
    count = member.shape[1]
    salience = (member * values.flatten(1)[:, None]).sum(-1) / member.sum(-1)  # (B, G)
    cost = -log_odds[:, 2**count - 1 - 2 ** torch.arange(count)]  # of losing one group, but for a constant
    return _agreement(salience, cost[:, every_order(count).to(cost.device)])


def _agreement(salience: Tensor, cost: Tensor) -> Tensor:
    """Share of salience differences (B, G) whose sign the costs (B, Q, G) confirm, minus the rest: (B, Q)."""
    first, second = torch.triu_indices(salience.shape[1], salience.shape[1], 1)
    weight = (salience[:, first] - salience[:, second])[:, None]  # at least 0, as the most salient comes first
    signed = weight * (cost[..., first] - cost[..., second]).sign()
    return signed.sum(-1) / weight.sum(-1).clamp_min(torch.finfo(weight.dtype).tiny)


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
