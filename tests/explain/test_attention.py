"""Maps, rollout and figures of attention against slow implementations, made-up cases and what must hold by design."""

import itertools
import math

import pytest
import torch
from builders import random_inputs, vision_transformer
from variety import CONFIGS as VARIETY
from variety import model_and_images

from vit.errors import VitError
from vit.explain.attention import (
    attention_distance,
    attention_map,
    entropy,
    patch_distances,
    patch_map,
    pooling_weights,
    rollout,
)
from vit.explain.trace import Trace, trace

CONFIGS = [{}, {"pool": "cls"}, {"pool": "cls", "reg_tokens": 4}, {"reg_tokens": 1}]


def traced(dtype=torch.float64, **config):
    model = vision_transformer(**{"depth": 3, **config}).to(dtype)
    return trace(model, random_inputs(model).to(dtype))


def slow_rollout(attention, up_to):
    """The formula with explicit loops, one image, one entry at a time."""
    _, batch, heads, tokens, _ = attention.shape
    results = []
    for image in range(batch):
        result = torch.eye(tokens, dtype=torch.float64)
        for layer in range(up_to + 1):
            mixed = torch.zeros(tokens, tokens, dtype=torch.float64)
            for i, j in itertools.product(range(tokens), repeat=2):
                entries = [float(attention[layer, image, head, i, j]) for head in range(heads)]
                mixed[i, j] = (sum(entries) / heads + (i == j)) / 2
            result = mixed @ result
        results.append(result)
    return torch.stack(results)


@pytest.mark.parametrize("up_to", [0, 1, 2])
def test_rollout_is_its_formula(up_to):
    attention = traced(pool="cls").attention[:, :2]
    assert torch.allclose(rollout(attention, up_to), slow_rollout(attention, up_to), atol=1e-12)


def test_rollout_rows_sum_to_one():
    assert torch.allclose(rollout(traced(torch.float32).attention).sum(-1), torch.ones(()), atol=1e-5)


def test_rollout_of_attention_to_oneself_is_the_identity():
    identity = torch.eye(5).expand(4, 2, 3, 5, 5)
    assert torch.allclose(rollout(identity), torch.eye(5).expand(2, 5, 5))


def test_rollout_of_uniform_attention_nears_uniform_with_depth():
    uniform = torch.full((30, 1, 2, 4, 4), 0.25)
    assert torch.allclose(rollout(uniform), torch.full((1, 4, 4), 0.25), atol=1e-6)


def test_the_order_of_heads_does_not_matter_to_rollout():
    attention = traced(num_heads=4).attention
    assert torch.allclose(rollout(attention[:, :, [2, 0, 3, 1]]), rollout(attention), atol=1e-14)


def test_each_image_of_a_batch_is_rolled_out_by_itself():
    attention = traced().attention
    alone = torch.cat([rollout(attention[:, i : i + 1]) for i in range(attention.shape[1])])
    assert torch.allclose(rollout(attention), alone, atol=1e-14)


def test_rollout_leaves_the_attention_as_it_was():
    attention = traced().attention
    before = attention.clone()
    rollout(attention)
    assert torch.equal(attention, before)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_pooling_weights_say_what_the_head_reads(config):
    model = vision_transformer(**config).double()
    found = trace(model, random_inputs(model).double())
    pooled = pooling_weights(found) @ model.norm(found.residuals[-1])
    assert math.isclose(pooling_weights(found).sum(), 1, abs_tol=1e-12)
    assert torch.allclose(model.head(model.fc_norm(pooled)), found.logits, atol=1e-12)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_a_patch_map_is_in_reading_order_behind_the_prefix_tokens(config):
    found = traced(**config)
    tokens, prefix = found.num_tokens, found.num_prefix_tokens
    relevance = torch.arange(tokens, dtype=torch.float64).expand(2, tokens, tokens)
    expected = torch.arange(prefix, tokens, dtype=torch.float64).view(4, 4).expand(2, 4, 4)
    assert torch.allclose(patch_map(relevance, found), expected)


def test_with_a_class_token_the_map_is_its_row_of_attention():
    found = traced(pool="cls", reg_tokens=2)
    expected = found.attention[1, :, 1, 0, 3:].view(3, 4, 4)
    assert torch.allclose(attention_map(found, 1, 1), expected)
    assert torch.allclose(attention_map(found, 1), found.attention[1, :, :, 0, 3:].mean(1).view(3, 4, 4))


def test_without_a_class_token_the_map_is_what_patches_give_on_average():
    found = traced(reg_tokens=2)
    expected = found.attention[2, :, 0, 2:, 2:].mean(1).view(3, 4, 4)
    assert torch.allclose(attention_map(found, 2, 0), expected)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_maps_sum_to_what_prefix_tokens_leave(config):
    found = traced(**config)
    total = attention_map(found, 0).sum((1, 2))
    prefix = (pooling_weights(found) @ found.attention[0].mean(1))[:, : found.num_prefix_tokens].sum(1)
    assert torch.allclose(total + prefix, torch.ones((), dtype=torch.float64))


@pytest.mark.parametrize(("layer", "head"), [(3, None), (-1, None), (0, 2), (0, -1)])
def test_a_layer_or_head_that_is_not_there_is_named(layer, head):
    with pytest.raises(VitError, match="numbered 0 to"):
        attention_map(traced(), layer, head)


def test_a_rollout_up_to_a_layer_that_is_not_there_is_refused():
    with pytest.raises(VitError, match="numbered 0 to 2"):
        rollout(traced().attention, 3)


def made_by_hand(attention, prefix=0, pool="mean"):
    """A trace of one layer, image and head with this attention (N, N)."""
    grid = math.isqrt(len(attention) - prefix)
    nothing = torch.zeros(1, 1, 1, 1, 1)
    return Trace(torch.zeros(1, 2), nothing[0], attention[None, None, None], nothing, nothing[0], prefix, grid, pool)


def test_attention_to_oneself_goes_no_distance():
    assert attention_distance(made_by_hand(torch.eye(64))).item() == 0


def test_uniform_attention_on_8_x_8_goes_16_546_pixels_of_patches_of_4():
    assert attention_distance(made_by_hand(torch.full((64, 64), 1 / 64))).item() * 4 == pytest.approx(16.546, abs=1e-3)


def test_attention_to_the_next_patch_goes_one_patch():
    right = torch.eye(4)[[1, 0, 3, 2]]
    assert attention_distance(made_by_hand(right)).item() == pytest.approx(1)


def test_prefix_tokens_are_nowhere_and_do_not_shorten_the_way():
    far = torch.zeros(5, 5)
    far[:, 0] = 0.9  # most goes to the class token
    far[1:, 1:] = 0.1 * torch.eye(4)[[3, 2, 1, 0]]
    assert attention_distance(made_by_hand(far, 1, "cls")).item() == pytest.approx(math.sqrt(2))
    far[:, 1:] = 0
    assert attention_distance(made_by_hand(far, 1, "cls")).item() == 0


@pytest.mark.parametrize("name", VARIETY)
def test_distance_is_its_formula(name):
    model, inputs = model_and_images(name)
    seen, prefix, grid = trace(model, inputs), model.config.num_prefix_tokens, model.config.grid_size
    found = attention_distance(seen)
    total = 0.0
    for query in range(grid**2):
        row = seen.attention[0, 1, -1, prefix + query, prefix:]
        for key in range(grid**2):
            way = math.dist(divmod(query, grid), divmod(key, grid))
            total += float(row[key] / row.sum()) * way
    assert found[0, 1, -1].item() == pytest.approx(total / grid**2, abs=1e-10)


def test_distances_are_in_reading_order():
    assert patch_distances(3)[0].tolist() == pytest.approx([0, 1, 2, 1, 2**0.5, 5**0.5, 2, 5**0.5, 8**0.5])


def test_entropy_is_nothing_for_one_token_and_log_n_for_all_alike():
    assert entropy(made_by_hand(torch.eye(9))).item() == 0
    assert entropy(made_by_hand(torch.full((9, 9), 1 / 9))).item() == pytest.approx(math.log(9))
