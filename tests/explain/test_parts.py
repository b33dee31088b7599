"""Parts of explanations by themselves: what fills a gap, untrained weights, precision, sentences about indices."""

import math

import pytest
import torch
from builders import random_inputs, vision_transformer
from torch import nn
from variety import model_and_images

from vit.errors import VitError
from vit.explain import gradients
from vit.explain.evidence import consensus, untrained
from vit.explain.perturbation import answers, edited, occlusion, rise
from vit.explain.trace import Changes, answer, check_index, trace


def test_what_a_scale_takes_away_a_filling_replaces():
    """Half of a branch and half of what another image had there: linear in the scale up to the next nonlinearity."""
    model, inputs = model_and_images("class token")
    last, tokens = model.blocks[-1], trace(model, inputs).residuals[-2]
    fill = torch.randn(2, 2, 17, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    scale = torch.ones(1, 2, 2, dtype=torch.float64)
    scale[0, 1, 1] = 0.25  # the last MLP
    x = tokens + last.attn(last.norm1(tokens))
    expected = x + 0.25 * last.mlp(last.norm2(x)) + 0.75 * fill[1, 1]
    found = answer(model, tokens, Changes(block_scale=scale, block_fill=fill), first=1)
    torch.testing.assert_close(found, model.forward_head(model.norm(expected)))


def test_an_answer_begins_with_the_first_block():
    model, inputs = model_and_images("class token and registers")
    torch.testing.assert_close(answer(model, model.embed(inputs)), model(inputs))


@pytest.mark.parametrize(("what", "words"), [("layer", "layers"), ("class", "classes")])
@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_that_is_not_there_is_named_with_those_that_are(what, words, index):
    check_index(what, 0, 3)
    check_index(what, 2, 3)
    with pytest.raises(VitError, match=f"no {what} {index}: this model's {words} are numbered 0 to 2"):
        check_index(what, index, 3)


def test_untrained_convolutions_start_as_pytorchs_do():
    """Uniform within 1 / sqrt(fan in), weights and biases: among hundreds of them some come close to the bound."""
    torch.manual_seed(0)
    kinds = [{"stem": "conv", "patch_size": 4, "embed_dim": 128}, {"embed_dim": 512, "num_heads": 2}]
    for model in [untrained(vision_transformer(**kind)) for kind in kinds]:
        for layer in (module for module in model.modules() if isinstance(module, nn.Conv2d)):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            for values in filter(lambda part: part is not None, (layer.weight, layer.bias)):
                assert 0.95 * bound < values.abs().max() <= bound
                assert abs(values.mean()) < 0.2 * bound


def test_untrained_norms_and_tokens_start_anew():
    model = untrained(vision_transformer(pool="cls", reg_tokens=2, stem="conv", patch_size=4))
    for layer in (module for module in model.modules() if isinstance(module, nn.LayerNorm | nn.GroupNorm)):
        assert torch.equal(layer.weight, torch.ones_like(layer.weight))
        assert torch.equal(layer.bias, torch.zeros_like(layer.bias))
    for token in (model.cls_token, model.reg_token):
        assert 0 < token.abs().max() < 1e-5
    assert 0 < model.pos_embed.abs().max() < 0.1


@pytest.mark.parametrize("method", [gradients.relevance, gradients.legrad, gradients.gradcam, gradients.saliency])
def test_gradients_are_computed_in_the_precision_of_the_weights(method):
    """float32 keeps seven digits; bfloat16 would keep two."""
    model = vision_transformer(pool="cls")
    inputs = random_inputs(model)
    single, double = method(model, inputs, 1), method(model.double(), inputs.double(), 1)
    torch.testing.assert_close(single.double(), double, rtol=0, atol=1e-4 * float(double.abs().max()))


@pytest.mark.parametrize("name", ["mean", "class token and registers"])
def test_grad_cam_is_its_formula(name):
    """Equations 1 and 2 of the paper, of the tokens that the last block's attention reads."""
    model, inputs = model_and_images(name)
    last, prefix = model.blocks[-1], model.config.num_prefix_tokens
    before = trace(model, inputs).residuals[-2]
    normed = last.norm1(before).detach().requires_grad_()
    x = before + last.attn(normed)
    logits = model.forward_head(model.norm(x + last.mlp(last.norm2(x))))
    (gradient,) = torch.autograd.grad(logits[:, 1].sum(), normed)
    weights = gradient[:, prefix:].mean(1)  # (B, D)
    patches = normed.detach()[:, prefix:].unflatten(1, (4, 4))
    expected = torch.einsum("bd,bxyd->bxy", weights, patches).clamp(min=0)
    torch.testing.assert_close(gradients.gradcam(model, inputs, 1), expected)


def test_maps_of_left_out_patches_lie_as_the_patches_do():
    """Taking the third patch of the second row away costs what the map has there, row by row."""
    model, inputs = model_and_images("class token")
    found = occlusion(model, inputs, 1)
    assert found.shape == rise(model, inputs, 1).shape == (2, 4, 4)
    kept = torch.ones(1, 1, 16, dtype=torch.bool)
    kept[0, 0, 4 + 2] = False
    cost = model(inputs)[:, 1] - answers(model, inputs, kept)[:, 0, 1]
    torch.testing.assert_close(found[:, 1, 2], cost)


def test_a_shuffle_is_the_same_for_a_seed_and_another_for_another():
    inputs, chosen = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.ones(4, 4).bool()
    shuffles = [edited(inputs, chosen, "shuffle", seed) for seed in (0, 0, 1, 2)]
    assert torch.equal(shuffles[0], shuffles[1])
    assert len({shuffle.numpy().tobytes() for shuffle in shuffles}) == 3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_consensus_has_the_type_of_its_maps(dtype):
    mean, spread = consensus(torch.rand(3, 1, 2, 2, dtype=dtype))
    assert mean.dtype is spread.dtype is dtype
