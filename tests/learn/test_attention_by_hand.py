"""The queries, keys and values of a lesson are those that the model attends with."""

import pytest
import torch
from builders import random_inputs, vision_transformer

from vit.errors import VitError
from vit.explain.trace import trace, walk
from vit.learn.attention import heads_of

KINDS = [
    {"patch_size": 2},
    {"patch_size": 4, "pool": "cls", "reg_tokens": 2},
    {"patch_size": 2, "qkv_bias": False, "num_heads": 4, "pos_embed": "sincos2d"},
    {"patch_size": 8, "image_size": 16, "stem": "conv"},
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_weights_and_sums_by_hand_are_those_of_the_models_forward(kind):
    model = vision_transformer(**kind)
    image = random_inputs(model, 1)
    seen = trace(model, image)
    for layer, step in enumerate(walk(model, model.embed(image))):
        found = heads_of(model, seen, layer)
        torch.testing.assert_close(found.weights(), seen.attention[layer, 0], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(found.value, seen.values[layer, 0], rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(found.mixed(), step.heads[0], rtol=1e-5, atol=1e-5)


def test_a_layer_that_is_not_there_is_refused():
    model = vision_transformer()
    with pytest.raises(VitError, match="numbered 0 to 1"):
        heads_of(model, trace(model, random_inputs(model, 1)), 2)
