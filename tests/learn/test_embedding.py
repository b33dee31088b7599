"""Flatten and project equals a strided convolution, in every kind of patch embedding."""

import pytest
import torch
from builders import random_inputs, vision_transformer

from vit.learn.embedding import projection

KINDS = [
    {"patch_size": 2},
    {"patch_size": 4, "pool": "cls", "reg_tokens": 2},
    {"patch_size": 8, "in_channels": 1},
    {"patch_size": 4, "stem": "conv"},
    {"image_size": 16, "patch_size": 8, "stem": "resnet"},
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_flattened_patches_times_filters_are_the_models_patch_tokens(kind):
    model = vision_transformer(**kind)
    image = random_inputs(model, 1)
    found = projection(model, image)
    summed = found.patches().double() @ found.filters.flatten(1).double().T + found.bias.double()
    # float64 sums in another order
    torch.testing.assert_close(summed, found.convolved.flatten(1).T, rtol=1e-12, atol=1e-12)
    embedded = model.embed(image)[0] if model.pos_embed is None else (model.embed(image) - model.pos_embed)[0]
    own = embedded[model.config.num_prefix_tokens :]
    torch.testing.assert_close(found.tokens, own, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(found.tokens.double(), summed, rtol=1e-5, atol=1e-5)  # what float32 loses


def test_without_a_stem_the_projection_gets_the_image_itself():
    model = vision_transformer(patch_size=4)
    image = random_inputs(model, 1)
    assert projection(model, image).seen.equal(image[0])
