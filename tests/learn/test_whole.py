"""The stages of the whole model are its own: shapes, parameters and answers."""

import pytest
import torch
from builders import random_inputs, vision_transformer

from vit.cost import num_parameters
from vit.explain.trace import trace
from vit.learn import whole

KINDS = [
    {"patch_size": 2},
    {"patch_size": 8, "pos_embed": "none", "qkv_bias": False},
    {"pool": "cls", "reg_tokens": 2, "pos_embed": "sincos2d"},
    {"pool": "cls", "pos_embed": "rope"},
    {"stem": "resnet", "patch_size": 4, "reg_tokens": 1},
]
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.fixture(params=KINDS, ids=str)
def model(request):
    return vision_transformer(**request.param)


def test_the_parameters_of_all_stages_are_the_model_s(model):
    total = sum(tensor.numel() for tensor in model.state_dict().values())
    stages = whole.stages(model, random_inputs(model, 1), 0)
    assert sum(stage.parameters for stage in stages) == total == num_parameters(model.config)
    counts = whole.parameters(model)
    assert sum(counts.values()) == total
    assert counts["attention"] == sum(p.numel() for block in model.blocks for p in block.attn.parameters())
    assert counts["mlp"] == sum(p.numel() for block in model.blocks for p in block.mlp.parameters())
    assert counts["head"] == sum(p.numel() for p in model.head.parameters())
    assert counts["norms"] == 2 * model.config.embed_dim * (2 * model.config.depth + 1)


def test_the_answer_at_a_stage_is_that_of_a_model_that_ends_there(model):
    inputs = random_inputs(model, 1)
    stages = whole.stages(model, inputs, 1)
    encoder = [stage for stage in stages if stage.kind in ("tokens", "block")]
    kept = model.blocks
    with torch.no_grad():
        for depth, stage in enumerate(encoder):
            model.blocks = kept[:depth]
            tokens = model.forward_features(inputs)
            torch.testing.assert_close(stage.answer, model.forward_head(tokens)[0].softmax(-1), **CLOSE)
            own = model.fc_norm(tokens)[0, model.config.num_prefix_tokens :]
            torch.testing.assert_close(stage.shares, model.head(own).softmax(-1)[:, 1], **CLOSE)
            assert stage.shape == (model.config.num_tokens, model.config.embed_dim)
    model.blocks = kept
    for stage in stages[-4:]:
        torch.testing.assert_close(stage.answer, model(inputs)[0].softmax(-1), **CLOSE)


def test_the_lengths_are_those_of_the_patches(model):
    inputs = random_inputs(model, 1)
    found = {stage.kind: stage for stage in whole.stages(model, inputs, 0)}
    with torch.no_grad():
        torch.testing.assert_close(found["patches"].norms, model.patch_embed(inputs)[0].norm(dim=-1), **CLOSE)
        tokens = model.embed(inputs)
        for block in model.blocks:
            tokens = block(tokens, rotation=model.rotation)
        last = tokens[0, model.config.num_prefix_tokens :]
        torch.testing.assert_close(found["block"].norms, last.norm(dim=-1), **CLOSE)


def test_the_order_of_norm_and_pooling_is_the_model_s():
    kinds = {pool: [s.kind for s in _stages(pool=pool)] for pool in ("cls", "mean")}
    assert kinds["cls"][-4:] == ["norm", "pool", "head", "answer"]
    assert kinds["mean"][-4:] == ["pool", "norm", "head", "answer"]
    assert "stem" in [s.kind for s in _stages(stem="conv", patch_size=4)]


def test_each_patch_votes_with_its_own_token():
    model = vision_transformer(pool="cls")
    seen = trace(model, random_inputs(model, 1))
    with torch.no_grad():
        normed = model.norm(seen.residuals[-1, 0, 1:])
        assert whole.votes(model, seen).tolist() == model.head(normed).argmax(-1).tolist()
        torch.testing.assert_close(whole.mean_instead(model, seen), model.head(normed.mean(0)).softmax(-1), **CLOSE)


def _stages(**config):
    model = vision_transformer(**config)
    return whole.stages(model, random_inputs(model, 1), 0)
