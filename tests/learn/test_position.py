"""Order reaches the answer through the position embeddings and through nothing else."""

import pytest
import torch
from builders import random_inputs, vision_transformer

from vit.explain.internals import position_similarity
from vit.learn.position import own_directions, shuffles, sincos_directions

KINDS = [
    {"patch_size": 2},
    {"patch_size": 4, "image_size": 16, "pool": "cls", "reg_tokens": 2, "pos_embed": "sincos2d"},
    {"patch_size": 4, "image_size": 16, "pool": "cls", "pos_embed": "rope"},
    {"patch_size": 2, "pool": "cls"},
    {"patch_size": 4, "stem": "conv", "image_size": 16},
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_without_positions_no_order_changes_the_answer_and_with_them_it_does(kind):
    model = vision_transformer(**kind)
    image = random_inputs(model, 1)
    found = shuffles(model, image, 3)
    assert len({tuple(order) for order in found.orders.tolist()}) == 4
    assert (found.without - found.without[0]).abs().max() < 1e-12  # float64 sums in another order
    assert (found.given[1:] - found.given[0]).abs().max() > 1e-3
    own = model(image).softmax(-1)[0].double()
    torch.testing.assert_close(found.given[0], own, rtol=1e-5, atol=1e-6)  # what float32 loses


def test_an_order_says_which_token_lies_where():
    model = vision_transformer(patch_size=2, pos_embed="none")
    image = random_inputs(model, 1)
    found = shuffles(model, image, 2)
    assert found.orders[0].tolist() == list(range(16))
    model = vision_transformer(patch_size=2)
    side, patch = 4, model.config.patch_size
    cut = image[0].unflatten(2, (side, patch)).unflatten(1, (side, patch)).permute(1, 3, 0, 2, 4).flatten(0, 1)
    order = shuffles(model, image, 1).orders[1]
    mixed = cut[order].unflatten(0, (side, side)).permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)
    shown = model(mixed[None]).softmax(-1)[0].double()
    torch.testing.assert_close(shuffles(model, image, 1).given[1], shown, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_products_of_directions_are_the_similarities_of_the_positions(kind):
    model = vision_transformer(**kind)
    places = own_directions(model)
    if not model.config.adds_positions:
        assert places is None
        return
    torch.testing.assert_close(places @ places.T, position_similarity(model), rtol=1e-6, atol=1e-6)


def test_sine_cosine_positions_are_those_of_a_model_of_the_same_size():
    fixed = vision_transformer(patch_size=2, pos_embed="sincos2d", pool="cls")
    found = sincos_directions(vision_transformer(patch_size=2, reg_tokens=3))
    torch.testing.assert_close(found @ found.T, position_similarity(fixed), rtol=1e-6, atol=1e-6)


def test_a_model_without_positions_has_no_directions():
    assert own_directions(vision_transformer(pos_embed="none")) is None
