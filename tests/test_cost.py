"""The arithmetic about a model agrees with the model."""

import pytest
import torch
from builders import random_inputs, vision_transformer
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from vit import cost
from vit.config import ModelConfig
from vit.explain.trace import trace
from vit.model import VisionTransformer

models = st.builds(
    lambda patch, grid, heads, head_dim, **rest: ModelConfig(
        patch_size=patch, image_size=patch * grid, num_heads=heads, embed_dim=heads * head_dim * 4, **rest
    ),
    patch=st.sampled_from([4, 8]),
    grid=st.integers(1, 4),
    heads=st.integers(1, 3),
    head_dim=st.integers(1, 3),
    in_channels=st.sampled_from([1, 3]),
    num_classes=st.integers(2, 20),
    depth=st.integers(1, 3),
    mlp_ratio=st.sampled_from([0.5, 1.0, 2.7, 4.0]),
    qkv_bias=st.booleans(),
    pool=st.sampled_from(["cls", "mean"]),
    pos_embed=st.sampled_from(["learned", "sincos2d", "rope", "none"]),
    reg_tokens=st.integers(0, 3),
    stem=st.sampled_from(["patch", "conv", "resnet", "resnet-deep"]),
)


@given(models)
@settings(max_examples=60, deadline=None)
def test_parameters_are_counted_exactly(config):
    state = VisionTransformer(config).state_dict()
    assert cost.num_parameters(config) == sum(tensor.numel() for tensor in state.values())


@given(models)
@settings(max_examples=25, deadline=None)
def test_operations_are_counted_as_pytorch_counts_them(config):
    model = VisionTransformer(config).eval()
    with FlopCounterMode(display=False) as counter:
        trace(
            model, random_inputs(model, count=1)
        )  # explicit attention: the fused kernel isn't counted on every device
    assert cost.forward_flops(config) == counter.get_total_flops()


def test_a_training_step_costs_three_forward_passes_of_what_patch_dropout_keeps():
    whole = ModelConfig(image_size=32, patch_size=4)
    assert cost.training_flops(whole) == 3 * cost.forward_flops(whole)
    model = vision_transformer(image_size=32, patch_size=4, patch_drop_rate=0.5).train()
    inputs = random_inputs(model, count=1).requires_grad_()
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        model(inputs).sum().backward()
    assert cost.training_flops(model.config) == counter.get_total_flops()


SIZES = [
    {"image_size": 32, "patch_size": 4, "embed_dim": 64, "depth": 3, "num_heads": 4},
    {"image_size": 32, "patch_size": 4, "embed_dim": 64, "depth": 3, "num_heads": 4, "pool": "cls", "mlp_ratio": 4.0},
    {"image_size": 32, "patch_size": 4, "embed_dim": 64, "depth": 3, "num_heads": 4, "stem": "conv"},
    {"image_size": 64, "patch_size": 4, "embed_dim": 32, "depth": 6, "num_heads": 2},
    {"image_size": 32, "patch_size": 8, "embed_dim": 96, "depth": 12, "num_heads": 3, "reg_tokens": 4},
    {"image_size": 32, "patch_size": 4, "embed_dim": 64, "depth": 3, "num_heads": 4, "patch_drop_rate": 0.5},
    {"image_size": 32, "patch_size": 4, "embed_dim": 64, "depth": 3, "num_heads": 4, "drop_rate": 0.1},
    {"image_size": 32, "patch_size": 4, "embed_dim": 64, "depth": 3, "num_heads": 4, "attn_drop_rate": 0.1},
]


def saved_bytes(model, batch_size):
    """Bytes that autograd keeps for the backward pass, weights apart, each storage once."""
    weights = {weight.untyped_storage().data_ptr() for weight in model.state_dict().values()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage  # holding it keeps its address from being used again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = F.cross_entropy(model(random_inputs(model, batch_size)), torch.zeros(batch_size, dtype=torch.long))
    assert loss.requires_grad
    return sum(storage.nbytes() for storage in kept.values())


def activations(**config) -> tuple[int, int]:
    """Bytes for a batch of eight: as estimated, without weights and moments, and as autograd keeps them."""
    model = vision_transformer(**config).train()
    return cost.training_memory(model.config, 8) - 16 * cost.num_parameters(model.config), saved_bytes(model, 8)


@pytest.mark.parametrize("config", SIZES, ids=str)
def test_training_memory_is_never_a_fifth_too_low_nor_twice_too_high(config):
    model = vision_transformer(**config).train()
    estimate = cost.training_memory(model.config, 8) - 16 * cost.num_parameters(model.config)
    assert saved_bytes(model, 8) < 1.2 * estimate
    assert estimate < 2 * saved_bytes(model, 8)


@pytest.mark.parametrize(
    ("more", "least"),
    [
        ({"depth": 4}, 0.999),
        ({"mlp_ratio": 3.0}, 0.999),
        ({"num_heads": 8}, 0.999),
        ({"attn_drop_rate": 0.1}, 0.999),
        ({"stem": "resnet-deep"}, 0.999),  # some hundred bytes are not counted
        ({"stem": "resnet"}, 0.999),  # some hundred bytes are not counted
        ({"stem": "conv"}, 0.999),  # some hundred bytes are not counted
        ({"drop_rate": 0.1}, 0.9),  # nor is the mask of the embedding
    ],
    ids=str,
)
def test_each_part_of_training_memory_is_never_too_low_nor_a_fifth_too_high(more, least):
    """By how much the estimate grows with a part, against by how much more autograd keeps."""
    pairs = zip(activations(**SIZES[0]), activations(**SIZES[0] | more), strict=True)
    estimate, kept = (grown - plain for plain, grown in pairs)
    assert least * kept <= estimate <= 1.2 * kept


def test_the_image_itself_counts_up_to_three_times():
    """With augmentation's copies, which autograd doesn't keep."""
    gray, color = (activations(**SIZES[0], in_channels=channels) for channels in (1, 3))
    assert color[1] - gray[1] <= color[0] - gray[0] <= 3 * (color[1] - gray[1])


def test_weights_gradients_and_two_moments_are_four_float32_of_each_parameter():
    config = ModelConfig(**SIZES[0])
    assert cost.training_memory(config, 0) == 16 * cost.num_parameters(config)
