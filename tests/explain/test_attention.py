"""Attention maps and rollout against slow implementations written out here, and against what must hold by design."""

import math

import pytest
import torch
from builders import pictures, vision_transformer

from vit.errors import VitError
from vit.explain.attention import FUSIONS, attention_map, attention_maps, patch_map, pooling_weights, rollout
from vit.explain.trace import trace

CONFIGS = [{}, {"pool": "cls"}, {"pool": "cls", "reg_tokens": 4}, {"reg_tokens": 1}]


def traced(dtype=torch.float64, **config):
    model = vision_transformer(**{"depth": 3, **config}).to(dtype)
    return trace(model, pictures(model).to(dtype))


def slow_rollout(attention, fusion, residual, discard, up_to):
    """The formula with explicit loops, one picture, one entry at a time."""
    layers, batch, heads, tokens, _ = attention.shape
    results = []
    for picture in range(batch):
        result = [[float(i == j) for j in range(tokens)] for i in range(tokens)]
        for layer in range(up_to + 1):
            fused = [[0.0] * tokens for _ in range(tokens)]
            for i in range(tokens):
                for j in range(tokens):
                    entries = [float(attention[layer, picture, head, i, j]) for head in range(heads)]
                    fused[i][j] = {"mean": sum(entries) / heads, "max": max(entries), "min": min(entries)}[fusion]
            ranked = sorted((fused[i][j], i, j) for i in range(tokens) for j in range(tokens))
            for _, i, j in ranked[: int(discard * tokens * tokens)]:
                fused[i][j] = 0.0
            mixed = [[(1 - residual) * fused[i][j] + residual * (i == j) for j in range(tokens)] for i in range(tokens)]
            mixed = [[entry / sum(row) for entry in row] for row in mixed]
            result = (torch.tensor(mixed, dtype=torch.float64) @ torch.tensor(result, dtype=torch.float64)).tolist()
        results.append(result)
    return torch.tensor(results, dtype=torch.float64)


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize(("residual", "discard", "up_to"), [(0.5, 0.0, 2), (0.5, 0.9, 2), (0.3, 0.4, 1), (1.0, 0, 2)])
def test_rollout_is_its_formula(fusion, residual, discard, up_to):
    attention = traced(pool="cls").attention[:, :2]
    found = rollout(attention, fusion=fusion, residual=residual, discard=discard, up_to=up_to)
    assert torch.allclose(found, slow_rollout(attention, fusion, residual, discard, up_to), atol=1e-12)


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("discard", [0.0, 0.5, 0.99])
def test_rollout_rows_sum_to_one(fusion, discard):
    found = rollout(traced(torch.float32).attention, fusion=fusion, discard=discard)
    assert torch.allclose(found.sum(-1), torch.ones(()), atol=1e-5)


def test_rollout_of_attention_to_oneself_is_the_identity():
    identity = torch.eye(5).expand(4, 2, 3, 5, 5)
    assert torch.allclose(rollout(identity), torch.eye(5).expand(2, 5, 5))


def test_rollout_of_uniform_attention_nears_uniform_with_depth():
    uniform = torch.full((30, 1, 2, 4, 4), 0.25)
    assert torch.allclose(rollout(uniform), torch.full((1, 4, 4), 0.25), atol=1e-6)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_order_of_heads_does_not_matter_to_rollout(fusion):
    attention = traced(num_heads=4).attention
    shuffled = attention[:, :, [2, 0, 3, 1]]
    assert torch.allclose(rollout(shuffled, fusion=fusion), rollout(attention, fusion=fusion), atol=1e-14)


def test_each_picture_of_a_batch_is_rolled_out_by_itself():
    attention = traced().attention
    alone = torch.cat([rollout(attention[:, i : i + 1], discard=0.8) for i in range(attention.shape[1])])
    assert torch.allclose(rollout(attention, discard=0.8), alone, atol=1e-14)


def test_rollout_leaves_the_attention_as_it_was():
    attention = traced().attention
    before = attention.clone()
    rollout(attention, discard=0.9)
    assert torch.equal(attention, before)


@pytest.mark.parametrize("arguments", [{"fusion": "sum"}, {"residual": 0}, {"residual": 1.1}, {"discard": 1.0}])
def test_rollout_refuses_what_it_can_not_do(arguments):
    with pytest.raises(VitError):
        rollout(traced().attention, **arguments)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_pooling_weights_say_what_the_head_reads(config):
    model = vision_transformer(**config).double()
    found = trace(model, pictures(model).double())
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


def test_the_contact_sheet_holds_every_single_map():
    found = traced(pool="cls")
    maps = attention_maps(found)
    assert maps.shape == (3, 3, 2, 4, 4)
    for layer in range(3):
        for head in range(2):
            assert torch.allclose(maps[:, layer, head], attention_map(found, layer, head))


@pytest.mark.parametrize(("layer", "head"), [(3, None), (-1, None), (0, 2), (0, -1)])
def test_a_layer_or_head_that_is_not_there_is_named(layer, head):
    with pytest.raises(VitError, match="numbered 0 to"):
        attention_map(traced(), layer, head)
