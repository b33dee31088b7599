"""Scores say how good a map is: known for perfect, reversed, random and flat maps, whatever the map's own scale."""

import itertools

import pytest
import torch
from builders import random_inputs, vision_transformer
from variety import model_and_images

from vit import images, samples
from vit.errors import VitError
from vit.explain.evidence import consensus, ranks, spearman
from vit.explain.methods import explain
from vit.explain.perturbation import answers
from vit.explain.scores import Score, cut, first_patches, ranked, score
from vit.explain.target import Contrast, log_odds, probability
from vit.predict import Predictor

OTHERS = ("insertion", "deletion", "saco", "saco_sd", "low", "high")
KINDS = ["mean", "class token", "class token and registers"]


def noise(model, inputs, seed=0):
    shape = (len(inputs), model.config.grid_size, model.config.grid_size)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


GROUP_SIZES = {(16, 6): [3, 2, 3, 3, 2, 3], (9, 5): [2, 2, 1, 2, 2], (16, 2): [8, 8], (16, 5): [3, 3, 4, 3, 3]}


def perfect_for_groups(model, inputs, target, values, count):
    """The groups of a map, of equal size, given back as a map whose values are what each group really costs."""
    groups = ranked(values).chunk(count, dim=1)
    kept = torch.ones(len(inputs), count, model.config.num_patches, dtype=torch.bool)
    for number, part in enumerate(groups):
        kept[:, number].scatter_(1, part, False)
    cost = -log_odds(answers(model, inputs, kept), target)  # (B, G)
    found = torch.zeros(len(inputs), model.config.num_patches, dtype=torch.float64)
    for number, part in enumerate(groups):
        found.scatter_(1, part, cost[:, number : number + 1].expand_as(part))
    return found.view_as(values)


def slow_saco(model, image, target, values, sizes):
    """The paper's double loop over groups, with probabilities."""
    order = sorted(range(values.numel()), key=lambda patch: (-float(values.flatten()[patch]), patch))
    groups = [part.tolist() for part in torch.tensor(order).split(sizes)]
    costs, saliences = [], []
    for group in groups:
        kept = torch.ones(1, 1, values.numel(), dtype=torch.bool)
        kept[0, 0, group] = False
        costs.append(-float(probability(answers(model, image, kept), target)))
        saliences.append(sum(float(values.flatten()[patch]) for patch in group) / len(group))
    total = weight = 0.0
    for i, j in itertools.combinations(range(len(groups)), 2):
        difference = saliences[i] - saliences[j]
        total += difference if costs[i] >= costs[j] else -difference
        weight += difference
    return total / weight


@pytest.mark.parametrize(("patches", "count"), GROUP_SIZES)
def test_groups_are_as_even_as_can_be_and_the_same_from_both_ends(patches, count):
    member = cut(torch.arange(patches)[None], count)[0]
    assert member.sum(1).tolist() == GROUP_SIZES[patches, count]
    assert member.sum(0).tolist() == [1] * patches
    assert member.long().argmax(0).tolist() == sorted(member.long().argmax(0).tolist())


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("target", [1, Contrast(0, 2)], ids=str)
def test_a_perfect_map_scores_one_and_its_reverse_minus_one(name, target):
    model, inputs = model_and_images(name)
    values = perfect_for_groups(model, inputs, target, noise(model, inputs), 4)
    assert torch.allclose(score(model, inputs, target, values, 4).saco, torch.ones(2, dtype=torch.float64))
    assert torch.allclose(score(model, inputs, target, -values, 4).saco, -torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("name", [*KINDS, "no positions, one head, 3 x 3"])
@pytest.mark.parametrize("groups", [2, 5, 6])
def test_saco_is_its_formula(name, groups):
    model, inputs = model_and_images(name)
    values, patches = noise(model, inputs, 1), model.config.num_patches
    sizes = GROUP_SIZES[patches, groups] if patches == 16 else {2: [9], 5: [2, 2, 1, 2, 2], 6: [2, 2, 1, 2, 2]}[groups]
    if len(sizes) == 1:
        return
    expected = [slow_saco(model, inputs[i : i + 1], 1, values[i], sizes) for i in range(2)]
    assert score(model, inputs, 1, values, groups).saco.tolist() == pytest.approx(expected, abs=1e-10)


def slow_advantage(model, image, groups):
    """Insertion minus deletion of groups of patches, in the order in which they are given."""
    patches, areas = model.config.num_patches, []
    for is_kept in (True, False):
        points = []
        for count in range(len(groups) + 1):
            kept = torch.full((1, 1, patches), not is_kept)
            kept[0, 0, [patch for group in groups[:count] for patch in group]] = is_kept
            points.append((sum(map(len, groups[:count])) / patches, float(probability(answers(model, image, kept), 1))))
        areas.append(sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(points)))
    return areas[0] - areas[1]


@pytest.mark.parametrize("name", [*KINDS, "no positions, one head, 3 x 3"])
def test_the_rank_is_the_place_among_all_orders_of_the_groups(name):
    model, inputs = model_and_images(name)
    values = noise(model, inputs, 4)
    found = score(model, inputs, 1, values, groups=3)
    for number, image in enumerate(inputs.split(1)):
        sizes = [5, 6, 5] if model.config.num_patches == 16 else [3, 3, 3]
        groups = [part.tolist() for part in ranked(values)[number].split(sizes)]
        scores = [slow_advantage(model, image, order) for order in itertools.permutations(groups)]
        assert found.orders == len(scores)
        assert found.advantage[number].item() == pytest.approx(scores[0], abs=1e-12)
        assert found.rank[number] == sum(other >= scores[0] - 1e-9 for other in scores)
        assert found.rank_from_below[number] == sum(other <= scores[0] + 1e-9 for other in scores)


@pytest.mark.parametrize("patches_a_side", [2, 3, 4, 5, 6, 7])
def test_a_reversed_order_scores_exactly_the_opposite(patches_a_side):
    """Also where groups can't be of one size: 25, 36 and 49 patches."""
    model = vision_transformer(pool="cls", image_size=4 * patches_a_side, patch_size=4).double()
    inputs = random_inputs(model, 1).double()
    values = noise(model, inputs, 7)
    there, back = score(model, inputs, 1, values), score(model, inputs, 1, -values)
    assert torch.allclose(there.advantage, -back.advantage, atol=1e-12)
    assert torch.allclose(there.saco, -back.saco, atol=1e-12)
    assert there.rank.item() == back.rank_from_below.item()
    assert torch.allclose(there.low, -back.high, atol=1e-12)


@pytest.mark.parametrize("name", [*KINDS, "no positions, one head, 3 x 3"])
def test_no_score_depends_on_the_scale_of_a_map(name):
    model, inputs = model_and_images(name)
    values = noise(model, inputs, 2)
    one, other = score(model, inputs, 1, values), score(model, inputs, 1, 1000 * values - 3)
    assert torch.allclose(one.saco, other.saco)
    assert torch.equal(one.insertion, other.insertion)
    assert torch.equal(one.deletion, other.deletion)


def test_a_flat_map_scores_nothing():
    model, inputs = model_and_images("mean")
    assert score(model, inputs, 1, torch.ones(2, 4, 4)).saco.tolist() == [0.0, 0.0]


def test_random_maps_beat_chance_as_often_as_chance_says():
    """Their ranks are spread evenly over all orders."""
    model, inputs = model_and_images("class token", count=1)
    maps = noise(model, inputs.expand(100, -1, -1, -1), 5)
    found = [score(model, inputs, 1, values[None]) for values in maps]
    beating = sum(one.verdict() == "beats chance" for one in found)
    assert beating <= 100 * 0.05 + 4 * (100 * 0.05 * 0.95) ** 0.5  # four standard errors
    assert beating > 0
    places = torch.stack([one.rank[0] for one in found]) / found[0].orders
    assert places.mean().item() == pytest.approx(0.5, abs=4 / (12 * 100) ** 0.5)


@pytest.mark.parametrize(
    ("rank", "words"),
    [
        (1, "beats chance"),
        (36, "beats chance"),
        (37, "can't tell"),
        (72, "can't tell"),
        (73, "like chance"),
        (648, "like chance"),
        (649, "can't tell"),
        (685, "below chance"),
        (720, "below chance"),
    ],
)
def test_the_verdict_is_read_off_the_rank(rank, words):
    places = {"rank": torch.tensor([rank]), "rank_from_below": torch.tensor([721 - rank]), "orders": 720}
    assert Score(**dict.fromkeys(OTHERS, torch.zeros(1)), **places).verdict() == words


def test_where_every_order_scores_the_same_the_verdict_is_like_chance():
    model, inputs = model_and_images("class token")
    with torch.no_grad():
        model.head.weight.zero_()
    assert score(model, inputs, 1, noise(model, inputs)).verdict() == "like chance"


def test_ties_are_taken_in_reading_order():
    assert ranked(torch.tensor([[[1.0, 3.0], [3.0, 3.0]]])).tolist() == [[1, 2, 3, 0]]
    first = first_patches(torch.tensor([[1, 2, 3, 0]]), torch.tensor([0, 2]))
    assert first.tolist() == [[[False] * 4, [False, True, True, False]]]


def test_a_good_map_of_a_trained_model_beats_chance_and_its_reverse_is_below():
    predictor, sample = Predictor.load("cifar10-plain"), samples.list_samples()[0]
    inputs = predictor.inputs([predictor.see(images.decode(sample.path.read_bytes(), sample.name).image)])
    target = int(predictor.model(inputs).argmax())
    values = explain("occlusion", predictor.model, inputs, target)
    good, bad = (score(predictor.model, inputs, target, sign * values) for sign in (1, -1))
    assert (good.verdict(), bad.verdict()) == ("beats chance", "below chance")
    assert good.advantage > good.high


def test_ranks_of_ties_are_their_mean():
    assert ranks(torch.tensor([[3.0, 1.0, 3.0, 9.0]])).tolist() == [[1.5, 0.0, 1.5, 3.0]]


def test_a_flat_map_has_no_rank_correlation():
    assert spearman(torch.ones(1, 4), torch.arange(4.0)[None]).isnan().item()


def test_methods_that_agree_have_a_consensus_without_spread():
    values = torch.rand(2, 3, 3, generator=torch.Generator().manual_seed(0))
    mean, spread = consensus(torch.stack([values, 5 * values + 1, values.exp()]))
    assert (mean.amin().item(), mean.amax().item(), spread.abs().max().item()) == (0.0, 1.0, 0.0)
    mean, spread = consensus(torch.stack([values, -values]))
    assert torch.allclose(mean, torch.full((2, 3, 3), 0.5))
    assert spread.max().item() == pytest.approx(0.5)


def test_what_can_not_be_scored_is_refused():
    model, inputs = model_and_images("one patch, class token")
    with pytest.raises(VitError, match="single patch"):
        score(model, inputs, 1, torch.zeros(2, 1, 1))
    model, inputs = model_and_images("mean")
    with pytest.raises(VitError, match=r"\(2, 4, 4\)"):
        score(model, inputs, 1, torch.zeros(2, 4, 5))
    with pytest.raises(VitError, match="NaN"):
        score(model, inputs, 1, torch.full((2, 4, 4), torch.nan))
