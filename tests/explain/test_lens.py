"""What is read early ends in the answer, and what parts add sums up to it."""

import pytest
import torch
from variety import CONFIGS, model_and_pictures

from vit.explain.attention import pooling_weights
from vit.explain.lens import direct_logit_attribution, logit_lens, pooled_lens
from vit.explain.target import Contrast, logit
from vit.explain.trace import trace


@pytest.mark.parametrize("name", CONFIGS)
def test_the_last_view_through_the_lens_is_the_answer(name):
    model, inputs = model_and_pictures(name)
    seen = trace(model, inputs)
    assert torch.equal(pooled_lens(model, seen)[-1], seen.logits)
    every = logit_lens(model, seen)
    assert every.shape == (model.config.depth + 1, 2, model.config.num_tokens, 3)
    if model.config.pool == "cls":
        assert torch.allclose(every[-1, :, 0], seen.logits, atol=1e-12)


def test_the_lens_is_the_head_on_a_single_token():
    model, inputs = model_and_pictures("mean")
    seen = trace(model, inputs)
    expected = model.head(model.fc_norm(seen.residuals[1, 0, 5]))
    assert torch.allclose(logit_lens(model, seen)[1, 0, 5], expected, atol=1e-12)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("target", [2, Contrast(0, 1), torch.tensor([1, 2])], ids=str)
def test_contributions_sum_to_the_logit(name, target):
    model, inputs = model_and_pictures(name)
    parts = direct_logit_attribution(model, inputs, target)
    assert parts.heads.shape == (2, model.config.depth, model.config.num_heads)
    assert torch.allclose(parts.total(), logit(model(inputs), target), atol=1e-10)


@pytest.mark.parametrize("name", ["class token and registers", "mean"])
def test_what_a_head_adds_is_what_it_writes_read_by_the_frozen_norm(name):
    """Take one head's output out of the last residual, leave the norm's deviation as it was, and compare."""
    model, inputs = model_and_pictures(name)
    seen, layer, head = trace(model, inputs), model.config.depth - 1, 1
    size = model.config.head_dim
    weight = model.blocks[layer].attn.proj.weight[:, head * size : (head + 1) * size]
    written = pooling_weights(seen) @ (seen.attention[layer, :, head] @ seen.values[layer, :, head]) @ weight.T
    norm = model.norm if model.config.pool == "cls" else model.fc_norm
    pooled = pooling_weights(seen) @ seen.residuals[-1]
    deviation = (pooled.var(1, correction=0, keepdim=True) + norm.eps).sqrt()

    def read(x):
        return ((x - x.mean(1, keepdim=True)) / deviation * norm.weight + norm.bias) @ model.head.weight[1]

    expected = read(pooled) - read(pooled - written)
    assert torch.allclose(direct_logit_attribution(model, inputs, 1).heads[:, layer, head], expected, atol=1e-10)


def test_the_biases_add_the_same_to_every_picture():
    model, inputs = model_and_pictures("mean")
    bias = direct_logit_attribution(model, inputs, 1).head_bias
    assert bias[0] == bias[1]
