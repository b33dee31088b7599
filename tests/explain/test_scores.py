"""Scores say how good a map is: known for perfect, reversed, random and flat maps, whatever the map's own scale."""

import itertools

import pytest
import torch
from variety import model_and_images

from vit.errors import VitError
from vit.explain.evidence import consensus, ranks, spearman
from vit.explain.methods import explain
from vit.explain.perturbation import answers
from vit.explain.scores import curves, first_patches, random_band, ranked, saco, score
from vit.explain.target import Contrast, log_odds, probability

KINDS = ["mean", "class token", "class token and registers"]


def noise(model, inputs, seed=0):
    shape = (len(inputs), model.config.grid_size, model.config.grid_size)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def perfect_for_groups(model, inputs, target, values, count):
    """The groups of a map, given back as a map whose values are what each group really costs."""
    groups = ranked(values).tensor_split(count, dim=1)
    kept = torch.ones(len(inputs), count, model.config.num_patches, dtype=torch.bool)
    for number, part in enumerate(groups):
        kept[:, number].scatter_(1, part, False)
    cost = -log_odds(answers(model, inputs, kept), target)  # (B, G)
    found = torch.zeros(len(inputs), model.config.num_patches, dtype=torch.float64)
    for number, part in enumerate(groups):
        found.scatter_(1, part, cost[:, number : number + 1].expand_as(part))
    return found.view_as(values)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("target", [1, Contrast(0, 2)], ids=str)
def test_a_perfect_map_scores_one_and_its_reverse_minus_one(name, target):
    model, inputs = model_and_images(name)
    values = perfect_for_groups(model, inputs, target, noise(model, inputs), 8)
    assert torch.allclose(saco(model, inputs, target, values), torch.ones(2, dtype=torch.float64))
    assert torch.allclose(saco(model, inputs, target, -values), -torch.ones(2, dtype=torch.float64))


def slow_saco(model, image, target, values, count):
    """The paper's double loop over groups, with probabilities."""
    order = sorted(range(values.numel()), key=lambda patch: (-float(values.flatten()[patch]), patch))
    groups = [part.tolist() for part in torch.tensor(order).tensor_split(count)]
    costs, saliences = [], []
    for group in groups:
        kept = torch.ones(1, 1, values.numel(), dtype=torch.bool)
        kept[0, 0, group] = False
        costs.append(-float(probability(answers(model, image, kept), target)))
        saliences.append(sum(float(values.flatten()[patch]) for patch in group) / len(group))
    total = weight = 0.0
    for i, j in itertools.combinations(range(count), 2):
        difference = saliences[i] - saliences[j]
        total += difference if costs[i] >= costs[j] else -difference
        weight += difference
    return total / weight


@pytest.mark.parametrize("name", [*KINDS, "no positions, one head, 3 x 3"])
@pytest.mark.parametrize("groups", [2, 5, 8])
def test_saco_is_its_formula(name, groups):
    model, inputs = model_and_images(name)
    values = noise(model, inputs, 1)
    expected = [slow_saco(model, inputs[i : i + 1], 1, values[i], groups) for i in range(2)]
    assert saco(model, inputs, 1, values, groups).tolist() == pytest.approx(expected, abs=1e-10)


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
    assert saco(model, inputs, 1, torch.ones(2, 4, 4)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", KINDS)
def test_random_maps_score_zero_on_average_within_their_band(name):
    model, inputs = model_and_images(name, count=1)
    maps = noise(model, inputs.expand(60, -1, -1, -1), 5)
    band = random_band(model, inputs, 1)
    assert band.mean.abs().item() < 1e-9
    coefficients = torch.cat([saco(model, inputs, 1, values[None]) for values in maps])
    advantages = torch.cat([curves(model, inputs, 1, values[None]).advantage for values in maps])
    assert abs(coefficients.mean()) < 4 * coefficients.std() / 60**0.5  # four standard errors
    assert abs(advantages.mean()) < 4 * advantages.std() / 60**0.5
    assert 0.4 < (band.sd / advantages.std()).item() < 2.5  # a deviation from eight orders is rough


@pytest.mark.parametrize("name", KINDS)
def test_scores_are_the_same_for_every_seed_to_0_02(name):
    model, inputs = model_and_images(name)
    bands = [random_band(model, inputs, 1, seed=seed) for seed in range(4)]
    values = explain("occlusion", model, inputs, 1)
    scores = [score(model, inputs, 1, values, band) for band in bands]
    for field in ("saco", "insertion", "deletion", "random_mean"):
        found = torch.stack([getattr(one, field) for one in scores])
        assert (found.amax(0) - found.amin(0)).max() < 0.02


def test_a_reversed_order_scores_exactly_the_opposite():
    model, inputs = model_and_images("class token")
    values = noise(model, inputs, 7)
    there, back = curves(model, inputs, 1, values), curves(model, inputs, 1, -values)
    assert torch.allclose(there.advantage, -back.advantage, atol=1e-12)
    assert torch.allclose(saco(model, inputs, 1, values), -saco(model, inputs, 1, -values), atol=1e-12)


@pytest.mark.parametrize("name", [*KINDS, "no positions, one head, 3 x 3", "gray, stem"])
def test_curves_meet_where_all_or_nothing_is_kept(name):
    model, inputs = model_and_images(name)
    found = curves(model, inputs, 1, noise(model, inputs))
    whole = probability(model(inputs), 1)
    nothing = torch.zeros(1, 1, model.config.num_patches, dtype=torch.bool)
    blank = probability(answers(model, inputs, nothing), 1)[:, 0]
    assert torch.allclose(found.insertion[:, -1], whole, atol=1e-12)
    assert torch.allclose(found.deletion[:, 0], whole, atol=1e-12)
    assert torch.allclose(found.insertion[:, 0], blank, atol=1e-12)
    assert torch.allclose(found.deletion[:, -1], blank, atol=1e-12)
    assert (found.fractions[0], found.fractions[-1]) == (0, 1)


def test_areas_are_of_trapezoids_over_the_true_fractions():
    model, inputs = model_and_images("no positions, one head, 3 x 3")
    found = curves(model, inputs, 1, noise(model, inputs), steps=4)  # nine patches in four unequal steps
    assert found.fractions.tolist() == pytest.approx([0, 2 / 9, 4 / 9, 7 / 9, 1])
    pairs = zip(found.fractions.tolist(), found.deletion[0].tolist(), strict=True)
    expected = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(pairs))
    assert found.area(found.deletion)[0].item() == pytest.approx(expected)


def test_ties_are_taken_in_reading_order():
    assert ranked(torch.tensor([[[1.0, 3.0], [3.0, 3.0]]])).tolist() == [[1, 2, 3, 0]]
    first = first_patches(torch.tensor([[1, 2, 3, 0]]), torch.tensor([0, 2]))
    assert first.tolist() == [[[False] * 4, [False, True, True, False]]]


def test_a_good_map_beats_random_orders():
    model, inputs = model_and_images("class token")
    values = explain("occlusion", model, inputs, 1)
    found = score(model, inputs, 1, values)
    assert (found.advantage > 0).all()
    assert (found.saco > 2 * found.saco_random_sd).all()


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
        saco(model, inputs, 1, torch.full((2, 4, 4), torch.nan))
