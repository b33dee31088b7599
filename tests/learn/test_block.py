"""The stages of a block are the model's own, and a cut is the model with that line changed."""

from functools import partial

import pytest
import torch
from builders import random_inputs, vision_transformer
from torch import nn

from vit.explain.trace import blocks, trace
from vit.learn import block

KINDS = [
    {"patch_size": 2},
    {"patch_size": 8, "pos_embed": "none"},
    {"pool": "cls", "reg_tokens": 2, "pos_embed": "sincos2d"},
    {"pool": "mean", "pos_embed": "rope"},
    {"stem": "conv", "patch_size": 4},
]


@pytest.fixture(params=KINDS, ids=str)
def model(request):
    return vision_transformer(**request.param)


def test_the_stages_of_a_block_are_what_its_parts_compute(model):
    inputs = random_inputs(model, 1)
    numbers = block.passage(model, inputs).numbers
    residuals = trace(model, inputs).residuals[:, 0]
    with torch.no_grad():
        for layer, part in enumerate(blocks(model)):
            x, norm1, attention, middle, norm2, mlp, output = numbers[layer]
            pairs = [
                (norm1, part.norm1(x)),
                (attention, part.attn(norm1[None], rotation=model.rotation)[0]),
                (middle, x + attention),
            ]
            pairs += [(norm2, part.norm2(middle)), (mlp, part.mlp(norm2)), (output, middle + mlp)]
            pairs += [
                (x, residuals[layer]),
                (output, residuals[layer + 1]),
                (output, part(x[None], rotation=model.rotation)[0]),
            ]
            for found, expected in pairs:
                torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-5)  # float32 sums in another order


def test_a_token_is_compared_with_itself_before_the_branch(model):
    found = block.passage(model, random_inputs(model, 1))
    x, _, attention, middle, _, _, output = found.numbers[1]
    close = {"rtol": 1e-5, "atol": 1e-6}
    torch.testing.assert_close(
        found.cosines[1, 2], (x * attention).sum(-1) / x.norm(dim=-1) / attention.norm(dim=-1), **close
    )
    cosine = (middle * output).sum(-1) / middle.norm(dim=-1) / output.norm(dim=-1)
    torch.testing.assert_close(found.cosines[1, 6], cosine, **close)
    torch.testing.assert_close(found.lengths[1, 6], output.square().sum(-1).sqrt(), **close)


def test_a_cut_is_the_model_with_that_part_of_a_block_taken_out(model):
    inputs = random_inputs(model, 1)
    found = block.without(model, block.passage(model, inputs))
    for layer, part in enumerate(blocks(model)):
        changes = ({"attn": Zero()}, {"mlp": Zero()}, {"forward": partial(alone, part)})
        expected = torch.stack([patched(model, part, changed, inputs) for changed in changes])
        torch.testing.assert_close(found[layer], expected, rtol=1e-5, atol=1e-5)


def test_what_parts_add_is_the_logit(model):
    inputs = random_inputs(model, 1)
    for target in range(3):
        logit = model(inputs)[0, target].item()
        assert block.additions(model, inputs, target).total == pytest.approx(logit, abs=1e-4)  # of sums of about 100


class Zero(nn.Module):
    """A branch that adds nothing."""

    def forward(self, x, *_, **__):
        return torch.zeros_like(x)


def alone(part, x, rotation=None):
    attended = part.attn(part.norm1(x), rotation=rotation)
    return part.mlp(part.norm2(attended))


def patched(model, part, changed, inputs):
    kept = {name: getattr(part, name) for name in changed}
    try:
        for name, value in changed.items():
            setattr(part, name, value)
        with torch.no_grad():
            return model(inputs)[0]
    finally:
        for name, value in kept.items():
            setattr(part, name, value) if name != "forward" else delattr(part, name)
