"""The trace computes what the model computes, and leaves no mark on it."""

import pytest
import torch
from builders import random_inputs, vision_transformer

from vit.explain.trace import trace

CONFIGS = [
    {},
    {"pool": "cls"},
    {"pool": "cls", "reg_tokens": 3, "num_heads": 4},
    {"pool": "mean", "reg_tokens": 2, "pos_embed": "sincos2d"},
    {"pool": "cls", "pos_embed": "rope"},
    {"pos_embed": "none", "qkv_bias": False, "depth": 3},
    {"patch_size": 4, "stem": "conv", "in_channels": 1},
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_the_trace_ends_in_the_models_own_logits(config):
    model = vision_transformer(**config)
    inputs = random_inputs(model)
    found = trace(model, inputs)
    assert torch.allclose(found.logits, model(inputs), rtol=1e-5, atol=1e-5)
    assert torch.allclose(model.head(found.features), found.logits, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_residuals_are_the_tokens_between_the_blocks(config):
    model = vision_transformer(**config)
    inputs = random_inputs(model)
    residuals = trace(model, inputs).residuals
    assert torch.equal(residuals[0], model.embed(inputs))
    for layer, block in enumerate(model.blocks):
        expected = block(residuals[layer], rotation=model.rotation)
        assert torch.allclose(residuals[layer + 1], expected, rtol=1e-5, atol=1e-4)


def test_shapes_are_the_documented_ones():
    found = trace(vision_transformer(pool="cls", reg_tokens=1, depth=3), torch.zeros(5, 3, 8, 8))
    assert found.logits.shape == (5, 3)
    assert found.features.shape == (5, 16)
    assert found.attention.shape == (3, 5, 2, 18, 18)
    assert found.values.shape == (3, 5, 2, 18, 8)
    assert found.residuals.shape == (4, 5, 18, 16)
    assert (found.num_prefix_tokens, found.grid_size, found.pool) == (2, 4, "cls")
    assert (found.depth, found.num_heads, found.num_tokens) == (3, 2, 18)


def test_attention_is_peaked_in_these_tests_and_its_rows_sum_to_one():
    model = vision_transformer()
    attention = trace(model, random_inputs(model)).attention
    assert torch.allclose(attention.sum(-1), torch.ones(()), atol=1e-5)
    entropy = -(attention * attention.clamp_min(1e-30).log()).sum(-1).mean()
    assert entropy < 0.8 * torch.tensor(attention.shape[-1]).log()  # near-uniform attention would hide mistakes


def test_attention_is_the_one_that_pytorchs_own_module_computes():
    model = vision_transformer().double()
    found = trace(model, random_inputs(model).double())
    own, block = model.blocks[0].attn, model.blocks[0]
    reference = torch.nn.MultiheadAttention(16, 2, batch_first=True).double()
    reference.load_state_dict(
        {
            "in_proj_weight": own.qkv.weight,
            "in_proj_bias": own.qkv.bias,
            "out_proj.weight": own.proj.weight,
            "out_proj.bias": own.proj.bias,
        }
    )
    x = block.norm1(found.residuals[0])
    _, weights = reference(x, x, x, average_attn_weights=False)
    assert torch.allclose(found.attention[0], weights, atol=1e-12)


def test_values_and_attention_together_make_the_attention_output():
    model = vision_transformer().double()
    found = trace(model, random_inputs(model).double())
    mixed = (found.attention[1] @ found.values[1]).transpose(1, 2).flatten(2)
    after_attention = found.residuals[1] + model.blocks[1].attn.proj(mixed)
    block = model.blocks[1]
    assert torch.allclose(after_attention + block.mlp(block.norm2(after_attention)), found.residuals[2], atol=1e-12)


def test_tracing_leaves_no_gradient_no_hook_and_no_random_number_behind():
    model = vision_transformer(drop_rate=0.5, attn_drop_rate=0.5, drop_path_rate=0.5)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random_state = torch.get_rng_state()
    found = trace(model, random_inputs(model).requires_grad_())
    assert not found.logits.requires_grad
    assert not found.attention.requires_grad
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
    assert all(not module._forward_hooks and not module._backward_hooks for module in model.modules())
    assert not any(module.training for module in model.modules())
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)


def test_a_model_in_training_mode_is_refused_and_stays_in_it():
    model = vision_transformer(drop_rate=0.5).train()
    with pytest.raises(ValueError, match="eval mode"):
        trace(model, random_inputs(model))
    assert model.training


def test_one_dropout_left_in_training_mode_is_enough_to_be_refused():
    model = vision_transformer(drop_rate=0.5)
    model.blocks[1].mlp.drop.train()
    with pytest.raises(ValueError, match="eval mode"):
        trace(model, random_inputs(model))


def test_autocast_around_a_trace_changes_nothing():
    model = vision_transformer()
    inputs = random_inputs(model)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = trace(model, inputs)
    assert torch.equal(inside.attention, trace(model, inputs).attention)
