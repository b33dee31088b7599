"""What is read early ends in the answer, what parts add sums up to it, and what weights show without an image."""

import pytest
import torch
from builders import vision_transformer
from variety import CONFIGS, model_and_images

from vit.errors import VitError
from vit.explain.attention import pooling_weights
from vit.explain.internals import (
    decision_depth,
    direct_logit_attribution,
    logit_lens,
    patch_filters_pca,
    pooled_lens,
    position_similarity,
    token_norms,
)
from vit.explain.target import Contrast, logit
from vit.explain.trace import trace


@pytest.mark.parametrize("name", CONFIGS)
def test_the_last_view_through_the_lens_is_the_answer(name):
    model, inputs = model_and_images(name)
    seen = trace(model, inputs)
    assert torch.equal(pooled_lens(model, seen)[-1], seen.logits)
    every = logit_lens(model, seen)
    assert every.shape == (model.config.depth + 1, 2, model.config.num_tokens, 3)
    if model.config.pool == "cls":
        assert torch.allclose(every[-1, :, 0], seen.logits, atol=1e-12)


def test_the_lens_is_the_head_on_a_single_token():
    model, inputs = model_and_images("mean")
    seen = trace(model, inputs)
    expected = model.head(model.fc_norm(seen.residuals[1, 0, 5]))
    assert torch.allclose(logit_lens(model, seen)[1, 0, 5], expected, atol=1e-12)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("target", [2, Contrast(0, 1), torch.tensor([1, 2])], ids=str)
def test_contributions_sum_to_the_logit(name, target):
    model, inputs = model_and_images(name)
    parts = direct_logit_attribution(model, inputs, target)
    assert parts.heads.shape == (2, model.config.depth, model.config.num_heads)
    assert torch.allclose(parts.total(), logit(model(inputs), target), atol=1e-10)


@pytest.mark.parametrize("name", ["class token and registers", "mean"])
def test_what_a_head_adds_is_what_it_writes_read_by_the_frozen_norm(name):
    """Take one head's output out of the last residual, leave the norm's deviation as it was, and compare."""
    model, inputs = model_and_images(name)
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


def test_the_biases_add_the_same_to_every_image():
    model, inputs = model_and_images("mean")
    bias = direct_logit_attribution(model, inputs, 1).head_bias
    assert bias[0] == bias[1]


def test_the_depth_of_a_decision_is_the_layer_after_which_it_stays():
    answers = torch.zeros(4, 3, 2)  # three images: decided at once, at the second layer, wavering to the end
    answers[:, 0, 1] = 1
    answers[2:, 1, 1] = 1
    answers[[0, 3], 2, 1] = 1
    answers[..., 0] = 0.5
    assert decision_depth(answers).tolist() == [0, 2, 3]


def test_a_decision_is_never_later_than_the_last_layer():
    model, inputs = model_and_images("class token and registers", count=8)
    depth = decision_depth(pooled_lens(model, trace(model, inputs)))
    assert 0 <= depth.min() <= depth.max() <= 3


def test_places_are_compared_without_the_prefix():
    model = vision_transformer(pool="cls", reg_tokens=2)
    found = position_similarity(model)
    one, other = model.pos_embed[0, 3 + 2].detach(), model.pos_embed[0, 3 + 9].detach()
    assert found.shape == (16, 16)
    assert found[2, 9].item() == pytest.approx(torch.cosine_similarity(one, other, dim=0).item(), abs=1e-6)


def test_fixed_places_are_most_like_their_neighbors():
    found = position_similarity(vision_transformer(pos_embed="sincos2d", image_size=16))
    assert found[0].argsort(descending=True)[0] == 0
    assert found[0, 1] > found[0, 3]


def test_a_model_without_places_is_told_so():
    with pytest.raises(VitError, match="no position embeddings"):
        position_similarity(vision_transformer(pos_embed="none"))


@pytest.mark.parametrize("config", [{}, {"patch_size": 4, "stem": "conv"}], ids=str)
def test_components_are_orthonormal_and_explain_everything_together(config):
    found = patch_filters_pca(vision_transformer(**config))
    flat = found.components.flatten(1)
    assert torch.allclose(flat @ flat.T, torch.eye(len(flat)), atol=1e-5)
    assert found.explained.sum().item() == pytest.approx(1, abs=1e-5)
    assert found.explained.diff().max() <= 0


def test_filters_made_of_one_pattern_have_that_component():
    model = vision_transformer()
    pattern = torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.patch_embed.proj.weight.copy_(torch.arange(16.0).view(16, 1, 1, 1) * pattern)
    found = patch_filters_pca(model, 1)
    overlap = (found.components[0] * pattern).sum().abs() / pattern.norm()
    assert overlap.item() == pytest.approx(1, abs=1e-5)
    assert found.explained.item() == pytest.approx(1, abs=1e-5)


def test_lengths_of_tokens_are_those_of_residuals():
    model, inputs = model_and_images("class token and registers")
    seen = trace(model, inputs)
    found = token_norms(seen)
    assert found.shape == (4, 2, 20)
    assert found[2, 1, 7].item() == pytest.approx(seen.residuals[2, 1, 7].square().sum().sqrt().item())
