"""Evidence is a map, its score and its controls, and they are those of the functions that make them."""

import pytest
import torch
from builders import pictures, vision_transformer

from vit.explain import evidence, scores
from vit.explain.controls import untrained
from vit.explain.methods import METHODS, explain
from vit.explain.target import Contrast


@pytest.fixture(scope="module")
def asked():
    """A model, one picture, and what random orders score on it."""
    model = vision_transformer(pool="cls")
    inputs = pictures(model, count=1)
    return model, inputs, scores.random_band(model, inputs, 1)


def test_map_and_score_are_those_of_the_engine(asked):
    model, inputs, band = asked
    found = evidence.gather(model, inputs, 1, "relevance", band)
    values = explain("relevance", model, inputs, 1)
    assert torch.equal(found.values, values[0])
    assert torch.equal(found.score.advantage, scores.score(model, inputs, 1, values).advantage)


@pytest.mark.parametrize("target", [1, Contrast(1, 2)], ids=str)
@pytest.mark.parametrize("method", ["rollout", "relevance", "occlusion"])
def test_controls_are_those_of_the_scores(asked, target, method):
    model, inputs, band = asked
    found = evidence.gather(model, inputs, target, method, band)
    controls = evidence.control(found, model, untrained(model), inputs, target)
    expected = (
        scores.class_control(model, inputs, target, method),
        scores.untrained_control(model, inputs, target, method),
    )
    assert (controls.other_class, controls.untrained) == pytest.approx(tuple(map(float, expected)), nan_ok=True)


def test_a_method_that_knows_no_class_has_the_same_map_for_another_one(asked):
    model, inputs, band = asked
    found = evidence.gather(model, inputs, 1, "rollout", band)
    assert evidence.control(found, model, untrained(model), inputs, 1).other_class == pytest.approx(1)


def test_the_best_comes_first_and_controls_are_no_witnesses(asked):
    model, inputs, band = asked
    found = evidence.by_score([evidence.gather(model, inputs, 1, name, band) for name in METHODS])
    advantages = [float(one.score.advantage) for one in found]
    assert advantages == sorted(advantages, reverse=True)
    assert len(evidence.maps_of(found)) == len(METHODS) - sum(method.is_control for method in METHODS.values())
