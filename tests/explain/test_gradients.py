"""Gradient maps against formulas written out here, and against what must hold by design. Oracles are next door."""

import pytest
import torch
from builders import random_inputs, vision_transformer
from variety import CONFIGS, model_and_images

from vit import images, samples
from vit.errors import VitError
from vit.explain.gradients import (
    change_from_mean,
    gradcam,
    input_x_gradient,
    integrated_gradients,
    legrad,
    per_patch,
    relevance,
    saliency,
)
from vit.explain.target import Contrast, logit
from vit.explain.trace import trace
from vit.predict import Predictor


def slow_relevance(model, inputs, target, start):
    """Chefer's rule, with attention's gradients from a small addition to every layer's attention."""
    seen = trace(model, inputs)
    added = [torch.zeros_like(layer, requires_grad=True) for layer in seen.attention]
    tokens = model.embed(inputs)
    for block, extra in zip(model.blocks, added, strict=True):
        weights, values = block.attn.explicit(block.norm1(tokens), rotation=model.rotation)
        tokens = tokens + block.attn.project((weights + extra) @ values)
        tokens = tokens + block.mlp(block.norm2(tokens))
    gradients = torch.autograd.grad(logit(model.forward_head(model.norm(tokens)), target).sum(), added)
    results = []
    for image in range(len(inputs)):
        result = torch.eye(seen.num_tokens, dtype=torch.float64)
        for layer in range(start, seen.depth):
            heads = gradients[layer][image] * seen.attention[layer, image]
            positive = [torch.where(head > 0, head, 0) for head in heads]  # each head by itself, then their mean
            result = result + sum(positive) / len(positive) @ result
        results.append(result)
    return torch.stack(results)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("target", [1, Contrast(2, 0)], ids=str)
def test_relevance_is_its_formula(name, target):
    model, inputs = model_and_images(name)
    for start in range(model.config.depth):
        expected = slow_relevance(model, inputs, target, start)
        assert torch.allclose(relevance(model, inputs, target, start), expected, atol=1e-10)


def test_relevance_starts_at_the_layer_it_is_told_and_no_other():
    model, inputs = model_and_images("class token")
    with pytest.raises(VitError, match="numbered 0 to 1"):
        relevance(model, inputs, 0, start_layer=2)


def permuted_heads(model, order):
    """The same model with its heads in another order."""
    dim, size = model.config.embed_dim, model.config.head_dim
    columns = torch.cat([torch.arange(size) + head * size for head in order])
    with torch.no_grad():
        for block in model.blocks:
            rows = torch.cat([columns + part * dim for part in range(3)])
            block.attn.qkv.weight.copy_(block.attn.qkv.weight[rows])
            block.attn.qkv.bias.copy_(block.attn.qkv.bias[rows])
            block.attn.proj.weight.copy_(block.attn.proj.weight[:, columns])
    return model


def test_the_order_of_heads_changes_no_map():
    model, inputs = model_and_images("class token and registers")
    before = relevance(model, inputs, 1), legrad(model, inputs, 1), gradcam(model, inputs, 1)
    model = permuted_heads(model, [2, 0, 3, 1])
    after = relevance(model, inputs, 1), legrad(model, inputs, 1), gradcam(model, inputs, 1)
    for one, other in zip(before, after, strict=True):
        assert torch.allclose(one, other, atol=1e-10)


@pytest.mark.parametrize("name", ["mean", "class token", "gray, stem"])
@pytest.mark.parametrize("target", [1, Contrast(0, 2), torch.tensor([2, 0])], ids=str)
def test_integrated_gradients_add_up_to_the_change_from_the_mean_color(name, target):
    model, inputs = model_and_images(name)
    change = logit(model(inputs), target) - logit(model(torch.zeros_like(inputs)), target)
    assert torch.equal(change_from_mean(model, inputs, target), change)
    found = integrated_gradients(model, inputs, target).sum((1, 2, 3))
    # Untrained weights turn most where contrast is faintest, and are the hardest for so few steps.
    assert ((found - change).abs() <= (0.05 * change.abs()).clamp_min(0.02)).all()


def shipped_sample(number, name="cifar10-hybrid"):
    predictor, sample = Predictor.load(name), samples.list_samples()[number]
    inputs = predictor.inputs([predictor.see(images.decode(sample.path.read_bytes(), sample.name).image)])
    return predictor.model, inputs


def trapezoids(model, image, target, steps=1500):
    """Integrated gradients by trapezoids in the logarithm of alpha, which reaches down to where nothing changes."""
    alphas = torch.cat([torch.zeros(1), torch.logspace(-6, 0, steps)]).double()
    gradients = []
    for part in (image * alphas.view(-1, 1, 1, 1)).split(100):
        pixels = part.requires_grad_()
        gradients.append(torch.autograd.grad(logit(model(pixels), target).sum(), pixels)[0])
    return image[0] * torch.trapezoid(torch.cat(gradients), alphas, dim=0)


@pytest.mark.slow
def test_integrated_gradients_of_the_shipped_hybrid_are_those_of_many_more_steps():
    model, image = shipped_sample(2)
    target = int(model(image).argmax())
    ours = integrated_gradients(model, image, target)
    expected = trapezoids(model.double(), image.double(), target)
    found, expected = (per_patch(model, pixels).flatten() for pixels in (ours.double(), expected[None]))
    assert (found - expected).abs().max() < 0.02 * expected.abs().max()  # the sum may be off by 1 %


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cifar10-hybrid", "cifar10-plain"])
def test_integrated_gradients_of_shipped_models_miss_less_than_two_per_cent_of_any_sample(name):
    for number in range(len(samples.list_samples())):
        model, image = shipped_sample(number, name)
        target = int(model(image).argmax())
        change = change_from_mean(model, image, target)
        assert (integrated_gradients(model, image, target).sum() - change).abs() < 0.02 * change.abs()


def test_integrated_gradients_are_complete_where_contrast_means_nothing_to_the_stem():
    """Group norms divide it out, so that all of the change happens close to the mean color."""
    model = vision_transformer(patch_size=4, stem="conv").double()
    inputs = random_inputs(model, 2).double()[1:]
    change = change_from_mean(model, inputs, 1)
    assert (integrated_gradients(model, inputs, 1).sum() - change).abs() < 0.05 * change.abs()
    assert input_x_gradient(model, inputs, 1).sum().abs() < 0.01 * change.abs()


def test_a_patch_gets_the_sum_of_its_pixels():
    model, inputs = model_and_images("no positions, one head, 3 x 3")
    found = per_patch(model, inputs)
    assert torch.allclose(found[1, 2, 0], inputs[1, :, 6:9, 0:3].sum())
    assert torch.allclose(found.sum((1, 2)), inputs.sum((1, 2, 3)))


def test_gradients_are_of_the_logit_and_not_of_its_probability():
    """Adding the same to every logit of the head changes no probability, but it may change a logit's gradient."""
    model, inputs = model_and_images("mean")
    with torch.no_grad():
        model.head.weight += torch.randn(16, generator=torch.Generator().manual_seed(0))
    before = saliency(model, inputs, 1)
    with torch.no_grad():
        model.head.weight += 1.0 + torch.arange(16)
    assert not torch.allclose(before, saliency(model, inputs, 1))
    assert torch.allclose(saliency(model, inputs, Contrast(0, 1)), saliency(model, inputs, Contrast(1, 0)))


def test_each_image_of_a_batch_may_have_its_own_class():
    model, inputs = model_and_images("class token")
    together = relevance(model, inputs, torch.tensor([2, 0]))
    alone = [relevance(model, inputs[:1], 2), relevance(model, inputs[1:], 0)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-12)


def test_grad_cam_maps_are_never_negative_and_not_blank_for_a_class_token():
    model, inputs = model_and_images("class token")
    found = torch.stack([gradcam(model, inputs, target) for target in range(3)])
    assert found.min() >= 0
    assert found.max() > 0


def test_gradients_can_be_had_where_the_caller_has_switched_them_off():
    model, inputs = model_and_images("class token")
    expected = relevance(model, inputs, 1), saliency(model, inputs, 1)
    model.requires_grad_(False)
    with torch.no_grad():
        assert torch.equal(relevance(model, inputs, 1), expected[0])
    with torch.inference_mode():
        assert torch.equal(saliency(model, inputs.clone(), 1), expected[1])
