"""Signals have the values that can be computed by hand, and measuring them leaves nothing behind."""

import math

import pytest
import torch
from builders import random_inputs, vision_transformer

from vit.data.load import Split
from vit.doctor import signals
from vit.doctor.signals import _layer
from vit.errors import VitError
from vit.explain.trace import Step

HEADS, DIM = 2, 8  # of builders.TINY: d is 8


def step(attention: torch.Tensor, heads: torch.Tensor | None = None) -> Step:
    """One block's work: attention (B, h, N, N), outputs of heads (B, h, N, d), and a residual of ones."""
    B, h, N, _ = attention.shape
    heads = torch.randn(B, h, N, DIM, generator=torch.Generator().manual_seed(0)) if heads is None else heads
    return Step(torch.zeros(B, N, h * DIM), attention, heads, heads, torch.ones(B, N, h * DIM))


def layer(attention, heads=None):
    return _layer(vision_transformer().blocks[0], step(attention, heads))


def test_attention_to_all_tokens_alike_has_an_entropy_of_one_and_to_a_single_one_of_zero():
    everywhere, one = torch.full((3, 1, 5, 5), 1 / 5), torch.eye(5).expand(3, 1, 5, 5)
    entropy = layer(torch.cat([everywhere, one], dim=1))[0]
    assert entropy.tolist() == pytest.approx([1, 0], abs=1e-6)


def test_attention_to_two_of_sixteen_tokens_has_a_quarter_of_the_entropy():
    attention = torch.zeros(1, HEADS, 16, 16)
    attention[..., :2] = 0.5
    assert layer(attention)[0].tolist() == pytest.approx([0.25, 0.25])


def test_a_class_token_that_looks_at_itself_alone_takes_nothing():
    assert layer(torch.eye(5).expand(3, HEADS, 5, 5))[3] == 0
    assert layer(torch.full((3, HEADS, 5, 5), 0.2))[3] == pytest.approx(0.8)


def test_a_network_that_does_not_compare_tokens_attends_to_all_alike():
    model = vision_transformer(pool="cls")
    for block in model.blocks:
        torch.nn.init.zeros_(block.attn.qkv.weight)
    found = signals.inside(model, random_inputs(model))
    assert found["attention_entropy"] == pytest.approx(1)
    assert found["attention_entropy_1"] == pytest.approx(1)
    assert found["class_token_share"] == pytest.approx(16 / 17)


def test_a_head_with_the_weights_of_another_is_its_twin():
    model = vision_transformer()
    assert signals.inside(model, random_inputs(model))["identical_heads"] == 0
    with torch.no_grad():
        for rows in (model.blocks[1].attn.qkv.weight, model.blocks[1].attn.qkv.bias):
            q_k_v = rows.unflatten(0, (3, HEADS, DIM))
            q_k_v[:, 1] = q_k_v[:, 0]
    assert signals.inside(model, random_inputs(model))["identical_heads"] == 0.5  # both heads of one of two blocks


def test_a_head_that_the_projection_ignores_is_dead():
    model = vision_transformer()
    assert signals.inside(model, random_inputs(model))["dead_heads"] == 0
    with torch.no_grad():
        model.blocks[0].attn.proj.weight[:, :DIM] = 0
    assert signals.inside(model, random_inputs(model))["dead_heads"] == 0.25


def test_fresh_weights_show_nothing_wrong():
    from vit.model import VisionTransformer

    torch.manual_seed(0)
    model = VisionTransformer(vision_transformer(pool="cls", embed_dim=64, num_heads=4).config).eval()
    found = signals.inside(model, random_inputs(model))
    assert found["identical_heads"] == found["dead_heads"] == 0
    assert found["attention_entropy"] > 0.95
    assert found["class_token_share"] > 0.9


@pytest.mark.parametrize(("rows", "side"), [(2, 4), (3, 2), (4, 2), (8, 1)])
def test_shuffling_moves_every_patch_but_one_and_keeps_their_pixels(rows, side):
    size = rows * side
    images = torch.arange(3 * size * size).view(1, 3, size, size).float()
    shuffled = signals.shuffle_patches(images, side)
    patches, moved = (x.unfold(2, side, side).unfold(3, side, side).flatten(2, 3)[0] for x in (images, shuffled))
    by_first_pixel = {patch.flatten()[0].item(): patch for patch in patches.transpose(0, 1)}
    assert len(by_first_pixel) == rows**2
    assert all(torch.equal(patch, by_first_pixel[patch.flatten()[0].item()]) for patch in moved.transpose(0, 1))
    stayed = sum(torch.equal(patches[:, place], moved[:, place]) for place in range(rows**2))
    assert stayed <= 1


@pytest.mark.parametrize("pool", ["mean", "cls"])
def test_without_positions_the_order_of_patches_has_no_effect(pool):
    blind, seeing = (vision_transformer(pos_embed=kind, pool=pool) for kind in ("none", "learned"))
    assert signals.inside(blind, random_inputs(blind))["place_effect"] < 1e-5  # rounding
    assert signals.inside(seeing, random_inputs(seeing))["place_effect"] > 0.01


def test_the_spread_of_predictions_is_zero_for_a_model_that_says_the_same_of_all_images():
    model = vision_transformer()
    assert signals.inside(model, random_inputs(model))["prediction_spread"] > 0.01
    torch.nn.init.zeros_(model.head.weight)
    assert signals.inside(model, random_inputs(model))["prediction_spread"] == 0


def test_chance_follows_how_frequent_the_classes_are():
    found = signals.chance(torch.tensor([0, 0, 0, 1]), 3)
    assert found["chance_accuracy"] == 0.75
    assert found["chance_loss"] == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))


def test_an_update_is_measured_in_lengths_of_the_weights():
    model = vision_transformer()
    before = signals.matrices(model)
    assert {name for name in before if "norm" in name or "bias" in name or "pos_embed" in name} == set()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.01)
    found = signals.movement(before, model)
    assert found["update_ratio"] == pytest.approx(0.01, rel=1e-3)
    assert found["head_update_ratio"] == pytest.approx(0.01, rel=1e-3)


def test_a_frozen_head_has_not_moved_while_the_rest_has():
    model = vision_transformer()
    model.head.requires_grad_(False)
    torch.nn.init.zeros_(model.head.weight)
    before = signals.matrices(model)
    with torch.no_grad():
        for weight in model.blocks.parameters():
            weight.mul_(1.1)
    found = signals.movement(before, model)
    assert found["head_update_ratio"] == 0
    assert found["update_ratio"] == pytest.approx(0.1, rel=1e-3)


def test_the_size_of_weights_is_that_of_the_blocks():
    model = vision_transformer()
    with torch.no_grad():
        for weight in model.blocks.parameters():
            weight.fill_(0.5)
    assert signals.movement(signals.matrices(model), model)["weight_norm"] == pytest.approx(0.5)


def corners(count: int, size: int = 16) -> Split:
    """Noise whose bright quarter is the class."""
    images = torch.randint(0, 100, (count, 3, size, size), generator=torch.Generator().manual_seed(count))
    labels = torch.arange(count) % 4
    for image, label in zip(images, labels.tolist(), strict=True):
        half = size // 2
        image[:, half * (label // 2) :, half * (label % 2) :][:, :half, :half] += 100
    return Split(images.byte(), labels)


@pytest.mark.parametrize("size", [4, 16, 100])
def test_a_linear_model_tells_apart_what_differs_in_place_but_not_random_labels(size):
    train, val = corners(200, size), corners(100, size)
    assert signals.linear_accuracy(train, val, 4) == 1
    order = torch.randperm(100, generator=torch.Generator().manual_seed(0))
    random = signals.linear_accuracy(train, Split(val.images, val.labels[order]), 4)
    assert random == pytest.approx(0.25, abs=0.15)  # three standard errors of 100 guesses


def test_chosen_images_are_evenly_spaced():
    assert signals.evenly(10, 5).tolist() == [0, 2, 4, 6, 8]
    assert signals.evenly(3, 5).tolist() == [0, 1, 2]


def test_a_large_model_is_looked_at_with_fewer_images():
    small, large = vision_transformer(), vision_transformer(image_size=64, patch_size=2)
    assert signals.num_images(small) == signals.MOST_IMAGES
    assert 2 <= signals.num_images(large) < signals.MOST_IMAGES


def test_measuring_leaves_nothing_behind():
    model = vision_transformer(drop_rate=0.1, pool="cls")
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    random_state, inputs = torch.get_rng_state(), random_inputs(model)
    signals.inside(model, inputs), signals.judged(model, inputs, torch.tensor([0, 1, 2]))
    signals.movement(signals.matrices(model), model)
    signals.linear_accuracy(corners(40), corners(20), 4)
    assert torch.equal(random_state, torch.get_rng_state())
    assert all(torch.equal(weight, weights[name]) for name, weight in model.state_dict().items())
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
    assert not any(module.training or module._forward_hooks for module in model.modules())


def test_a_network_in_training_mode_is_refused():
    model = vision_transformer().train()
    with pytest.raises(VitError, match="eval mode"):
        signals.inside(model, random_inputs(model))
