"""Evidence is a map, its score and its controls, and they are those of the functions that make them."""

import pytest
import torch
from builders import random_inputs, vision_transformer

from vit.explain import evidence, scores
from vit.explain.evidence import spearman, untrained
from vit.explain.methods import METHODS, explain
from vit.explain.target import Contrast


@pytest.fixture(scope="module")
def asked():
    """A model and one image."""
    model = vision_transformer(pool="cls")
    return model, random_inputs(model, count=1)


def test_map_and_score_are_those_of_the_engine(asked):
    model, inputs = asked
    found = evidence.gather(model, inputs, 1, "relevance")
    values = explain("relevance", model, inputs, 1)
    assert torch.equal(found.values, values[0])
    assert torch.equal(found.score.advantage, scores.score(model, inputs, 1, values).advantage)


def controls_of(asked, method, target):
    model, inputs = asked
    found = evidence.gather(model, inputs, target, method)
    return evidence.control(found, model, untrained(model), inputs, target)


@pytest.mark.parametrize("method", ["attention", "rollout", "edges"])
def test_maps_that_do_not_know_the_class_have_the_same_map_for_another_one(asked, method):
    assert controls_of(asked, method, 1).other_class == pytest.approx(1)


@pytest.mark.parametrize("method", ["relevance", "occlusion"])
def test_a_map_is_held_against_the_likeliest_other_class_and_untrained_weights(asked, method):
    model, inputs = asked
    other = model(inputs)[0].topk(2).indices.tolist()
    other.remove(1) if 1 in other else other.pop()
    own = explain(method, model, inputs, 1)
    expected = (
        spearman(own, explain(method, model, inputs, other[0])),
        spearman(own, explain(method, untrained(model), inputs, 1)),
    )
    found = controls_of(asked, method, 1)
    assert (found.other_class, found.untrained) == pytest.approx(tuple(map(float, expected)), nan_ok=True)


def test_a_contrast_is_held_against_its_reverse(asked):
    assert controls_of(asked, "occlusion", Contrast(0, 1)).other_class == pytest.approx(-1)


def test_untrained_weights_change_nothing_for_a_map_that_does_not_know_the_model(asked):
    assert controls_of(asked, "edges", 1).untrained == pytest.approx(1)
    assert abs(controls_of(asked, "occlusion", 1).untrained) < 0.9


def test_the_best_comes_first_and_controls_are_no_witnesses(asked):
    model, inputs = asked
    found = evidence.by_score([evidence.gather(model, inputs, 1, name) for name in METHODS])
    advantages = [float(one.score.advantage) for one in found]
    assert advantages == sorted(advantages, reverse=True)
    assert len(evidence.maps_of(found)) == len(METHODS) - sum(method.is_control for method in METHODS.values())
