"""The model is timm's Vision Transformer, where timm has one, and what its configuration says elsewhere."""

import math

import pytest
import timm
import torch
from builders import random_inputs, vision_transformer
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from vit.config import ModelConfig
from vit.explain.perturbation import answers
from vit.export.timm import timm_class, timm_kwargs
from vit.model import BatchNorm, DropPath, VisionTransformer
from vit.positions import rope2d, rotate, sincos2d

HYBRID = [
    {"patch_size": 4, "stem": "conv"},
    {"patch_size": 8, "stem": "resnet"},
    {"patch_size": 4, "stem": "resnet-deep"},
]
PLAIN = [
    {},
    {"pool": "cls"},
    {"pool": "cls", "reg_tokens": 4},
    {"pool": "mean", "reg_tokens": 1},
    {"pos_embed": "none"},
    {"pos_embed": "sincos2d", "pool": "cls"},
    {"pos_embed": "rope", "pool": "cls"},
    {"pos_embed": "rope", "reg_tokens": 2, "image_size": 12, "patch_size": 2},
    {"qkv_bias": False, "num_heads": 4},
    {"image_size": 32, "patch_size": 4, "embed_dim": 48, "num_heads": 3, "depth": 4, "mlp_ratio": 4.0},
    {"image_size": 28, "patch_size": 7, "in_channels": 1, "num_classes": 10, "mlp_ratio": 1.5},
]


@pytest.mark.parametrize("config", PLAIN, ids=str)
def test_timm_takes_the_weights_strictly_and_computes_the_same_logits(config):
    model = vision_transformer(**config)
    reference = getattr(timm.models, timm_class(model.config))(**timm_kwargs(model.config)).eval()
    reference.load_state_dict(model.state_dict(), strict=True)
    inputs = random_inputs(model, count=4)
    assert torch.allclose(model(inputs), reference(inputs), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("config", PLAIN, ids=str)
def test_a_training_step_has_timms_gradients(config):
    """Also where a class token lets the step leave out what nobody reads."""
    model = vision_transformer(**config).double().train()
    reference = getattr(timm.models, timm_class(model.config))(**timm_kwargs(model.config)).double().train()
    reference.load_state_dict(model.state_dict(), strict=True)
    inputs = random_inputs(model, count=4).double()
    labels = torch.arange(4) % model.config.num_classes
    for network in (model, reference):
        torch.nn.functional.cross_entropy(network(inputs), labels).backward()
    theirs = dict(reference.named_parameters())
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, theirs[name].grad, rtol=1e-9, atol=1e-12, msg=name)


@pytest.mark.parametrize("config", [*PLAIN, *HYBRID], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_explicit_attention_computes_what_fused_attention_computes(config, dtype):
    model = vision_transformer(**config).to(dtype)
    x = model.embed(random_inputs(model).to(dtype))
    for block in model.blocks:
        normed = block.norm1(x)
        weights, values = block.attn.explicit(normed, rotation=model.rotation)
        explicit = block.attn.project(weights @ values)
        tolerance = 1e-5 if dtype is torch.float32 else 1e-12
        assert torch.allclose(explicit, block.attn(normed, rotation=model.rotation), rtol=tolerance, atol=tolerance)
        assert weights.shape == (3, model.config.num_heads, model.config.num_tokens, model.config.num_tokens)
        assert values.shape == (3, model.config.num_heads, model.config.num_tokens, model.config.head_dim)
        x = block(x, rotation=model.rotation)


@pytest.mark.parametrize("num_queries", [None, 1])
def test_attention_in_bfloat16_is_the_one_in_float32_up_to_its_rounding(num_queries):
    """On a CPU it is not the fused one; bfloat16 has 8 bits of mantissa."""
    attention, found = vision_transformer(pool="cls").blocks[0].attn, []
    x = torch.randn(3, 17, 16, generator=torch.Generator().manual_seed(0), requires_grad=True)
    for is_bf16 in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16):
            output = attention(x, num_queries)
        (gradient,) = torch.autograd.grad(output.float().square().sum(), x)
        found.append((output.float(), gradient))
    for exact, rounded in zip(*found, strict=True):
        assert 0 < (rounded - exact).norm() < 0.05 * exact.norm()


def shuffled_patches(images, patch, order):
    """The same patches at other places."""
    columns = torch.nn.functional.unfold(images, patch, stride=patch)  # (B, C * P * P, patches)
    return torch.nn.functional.fold(columns[:, :, order], images.shape[-2:], patch, stride=patch)


@pytest.mark.parametrize("reg_tokens", [0, 2])
def test_without_positions_a_mean_pooling_model_can_not_tell_where_patches_are(reg_tokens):
    model = vision_transformer(pos_embed="none", reg_tokens=reg_tokens).double()
    inputs = random_inputs(model).double()
    shuffled = shuffled_patches(inputs, 2, torch.randperm(16, generator=torch.Generator().manual_seed(2)))
    assert not torch.equal(shuffled, inputs)
    assert torch.allclose(model(shuffled), model(inputs), atol=1e-11)


@pytest.mark.parametrize("pos_embed", ["learned", "sincos2d", "rope"])
def test_with_positions_it_can(pos_embed):
    model = vision_transformer(pos_embed=pos_embed).double()
    inputs = random_inputs(model).double()
    shuffled = shuffled_patches(inputs, 2, torch.arange(15, -1, -1))
    assert not torch.allclose(model(shuffled), model(inputs), atol=1e-3)


def test_sine_cosine_positions_are_zero_for_prefix_tokens_and_different_for_every_patch():
    config = vision_transformer(pool="cls", reg_tokens=2, pos_embed="sincos2d").config
    table = sincos2d(config)[0]
    assert table[:3].abs().sum() == 0
    assert torch.cdist(table[3:], table[3:]).fill_diagonal_(1).min() > 0.1
    assert "pos_embed" not in dict(VisionTransformer(config).named_parameters())


def test_sine_cosine_positions_tell_the_column_first_and_then_the_row():
    """The formula as MoCo v3 and big_vision have it: (sin x, cos x, sin y, cos y), frequencies from 1 to 1/10,000."""
    config = ModelConfig(image_size=6, patch_size=2, embed_dim=16, num_heads=2, pool="cls", pos_embed="sincos2d")
    table = sincos2d(config)[0, 1:]
    frequencies = [10_000 ** -(k / 3) for k in range(4)]
    for y in range(3):
        for x in range(3):
            waves = [wave(place * f) for place in (x, y) for wave in (math.sin, math.cos) for f in frequencies]
            assert table[3 * y + x].tolist() == pytest.approx(waves, abs=1e-6)


def test_timms_sine_cosine_positions_tell_rows_and_columns_by_the_same_waves():
    """timm's are ordered by wave first and have other frequencies; one frequency, that of 1, is in both."""
    config = ModelConfig(image_size=20, patch_size=4, embed_dim=4, num_heads=1, pos_embed="sincos2d")
    row_sin, column_sin, row_cos, column_cos = timm.layers.build_sincos2d_pos_embed([5, 5], 4).T
    expected = torch.stack([column_sin, column_cos, row_sin, row_cos], dim=1)
    torch.testing.assert_close(sincos2d(config)[0], expected)


RATES = {"drop_rate": ("pos_drop_rate", "proj_drop_rate"), "attn_drop_rate": ("attn_drop_rate",)}
RATES |= {"patch_drop_rate": ("patch_drop_rate",)}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("config", [{"pool": "cls"}, {"pool": "mean", "reg_tokens": 1}], ids=str)
def test_dropping_happens_wherever_it_does_in_timm(rate, config):
    """Both draw in the same order, so that the same seed drops the same numbers where their memory lies alike."""
    model = vision_transformer(**config, **{rate: 0.3}).double()
    kwargs = timm_kwargs(model.config) | dict.fromkeys(RATES[rate], 0.3)
    reference = timm.models.VisionTransformer(**kwargs).double().train()
    reference.load_state_dict(model.state_dict(), strict=True)
    inputs, found = random_inputs(model).double(), []
    for tokens in (model.train(), reference):
        torch.manual_seed(0)
        found.append(tokens.forward_head(tokens.forward_features(inputs)))
    torch.testing.assert_close(*found)
    assert not torch.allclose(found[0], model.eval()(inputs))


def test_deeper_blocks_are_dropped_more_often_as_in_timm():
    model = VisionTransformer(ModelConfig(depth=5, drop_path_rate=0.4))
    rates = [block.drop_path.rate for block in model.blocks]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert all(type(rate) is float for rate in rates)  # a tensor would stay behind when the model moves
    reference = timm.models.VisionTransformer(img_size=32, embed_dim=16, num_heads=2, depth=5, drop_path_rate=0.4)
    probabilities = [getattr(block.drop_path1, "drop_prob", 0.0) for block in reference.blocks]
    assert rates == pytest.approx(probabilities)


def test_each_residual_branch_of_a_block_is_dropped_by_itself():
    model = vision_transformer(drop_path_rate=0.5, depth=2).train()
    last, tokens = model.blocks[-1], torch.randn(400, 17, 16, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    changed = last(tokens)
    untouched = (changed == tokens).flatten(1).all(1).double().mean().item()
    assert untouched == pytest.approx(0.25, abs=0.09)  # neither attention nor MLP; four standard deviations of 400


def test_a_rate_of_zero_makes_dropping_paths_the_identity():
    x = torch.randn(4, 3, 2)
    assert torch.equal(DropPath(0.0).train()(x), x)


def test_dropped_paths_are_whole_images_and_keep_the_mean():
    torch.manual_seed(0)
    x = torch.ones(20_000, 2, 3)
    dropped = DropPath(0.25).train()(x)
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert torch.equal(dropped, dropped[:, :1, :1].expand_as(dropped))
    assert dropped.mean() == pytest.approx(1, abs=0.02)


def test_without_any_dropping_training_mode_computes_the_same():
    model = vision_transformer()
    inputs = random_inputs(model)
    expected = model(inputs)
    assert torch.equal(model.train()(inputs), expected)


@pytest.mark.parametrize("is_bf16", [False, True])
@pytest.mark.parametrize("rate", [*RATES, "drop_path_rate"])
def test_each_kind_of_dropping_acts_in_training_only(rate, is_bf16):
    model = vision_transformer(**{rate: 0.5})
    inputs = random_inputs(model)
    with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16):
        assert torch.equal(model(inputs), model(inputs))
        torch.manual_seed(0)
        assert not torch.equal(model.train()(inputs), model(inputs))


@pytest.mark.parametrize("config", [{}, {"pool": "cls"}, *HYBRID], ids=str)
def test_an_untrained_model_believes_in_all_classes_alike(config):
    torch.manual_seed(0)
    fields = {"image_size": 16, "patch_size": 4, "embed_dim": 64, "depth": 3, "num_heads": 4, **config}
    model = VisionTransformer(ModelConfig(num_classes=100, **fields))
    loss = torch.nn.functional.cross_entropy(model(torch.randn(64, 3, 16, 16)), torch.randint(100, (64,)))
    assert loss.item() == pytest.approx(math.log(100), abs=0.15)


def test_fresh_weights_are_as_large_as_timms():
    """Linear weights and positions 0.02, tokens 1e-6, biases 0; the patch projection as PyTorch has it."""
    torch.manual_seed(0)
    config = ModelConfig(image_size=32, patch_size=4, embed_dim=192, num_heads=3, depth=2, pool="cls", reg_tokens=4)
    reference = timm.models.VisionTransformer(**timm_kwargs(config)).state_dict()
    for name, tensor in VisionTransformer(config).state_dict().items():
        theirs = reference[name]
        if tensor.numel() > 700 and theirs.std() > 0:
            assert tensor.std().item() == pytest.approx(theirs.std().item(), rel=0.1), name
        elif theirs.std() == 0:
            assert torch.equal(tensor, theirs), name


@pytest.mark.parametrize("stem", ["conv", "resnet", "resnet-deep"])
@pytest.mark.parametrize(("image_size", "patch_size"), [(8, 4), (32, 4), (32, 8), (36, 12), (64, 16)])
def test_a_stem_makes_one_token_per_patch(image_size, patch_size, stem):
    model = vision_transformer(image_size=image_size, patch_size=patch_size, stem=stem, embed_dim=32)
    inputs = random_inputs(model, count=2)
    assert model.patch_embed(inputs).shape == (2, (image_size // patch_size) ** 2, 32)
    assert model(inputs).shape == (2, 3)


@pytest.mark.parametrize("stem", ["conv", "resnet", "resnet-deep"])
@pytest.mark.parametrize("patch_size", [4, 8])
def test_a_stem_is_three_times_convolution_pooling_norm_and_gelu(patch_size, stem):
    """Each image is normalized as a whole; only patches of a multiple of 8 are pooled a third time.

    In a small ResNet each channel is normalized, and the last two are followed by one that adds to them and isn't
    pooled; a deep one begins with one more that isn't pooled.
    """
    model = vision_transformer(image_size=16, patch_size=patch_size, stem=stem).double()
    x, state = random_inputs(model).double(), model.patch_embed.state_dict()
    convolutions = [name for name in state if name.startswith("stem.") and state[name].ndim == 4]
    norms = [name for name in state if name.startswith("stem.") and name.endswith("weight") and state[name].ndim == 1]
    third = "pooled" if patch_size == 8 else ""
    kinds = ["pooled", "pooled", third]
    if model.config.is_resnet:
        kinds = [*([""] if stem == "resnet-deep" else []), "pooled", "pooled", "added", third, "added"]
    for convolution, norm, kind in zip(convolutions, norms, kinds, strict=True):
        before, x = x, F.conv2d(x, state[convolution], padding=1)
        x = F.max_pool2d(x, 2) if kind == "pooled" else x
        weight, bias = (state[norm.replace("weight", name)].view(1, -1, 1, 1) for name in ("weight", "bias"))
        scaled = F.layer_norm(x, x.shape[1:], eps=1e-5) if stem == "conv" else x / (1 + 1e-5) ** 0.5
        x = F.gelu(scaled * weight + bias)
        x = before + x if kind == "added" else x
    side = patch_size // model.config.stem_reduction
    tokens = F.conv2d(x, state["proj.weight"], state["proj.bias"], stride=side).flatten(2).mT
    torch.testing.assert_close(model.patch_embed(random_inputs(model).double()), tokens)


@pytest.mark.parametrize("config", PLAIN, ids=str)
def test_every_weight_gets_a_gradient(config):
    model = vision_transformer(**config)
    model(random_inputs(model)).square().sum().backward()
    without = [name for name, weight in model.named_parameters() if weight.grad is None]
    assert without == []


def test_with_rotary_positions_two_patches_see_how_far_apart_they_are():
    """A query's product with a key is the same wherever the two lie, and another one at another distance."""
    config = ModelConfig(image_size=20, patch_size=4, pool="cls", pos_embed="rope")
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 1, 1, 1, config.head_dim, dtype=torch.float64, generator=generator)
    places = rope2d(config).double()[1:].unflatten(0, (5, 5))

    def product(first: tuple[int, int], second: tuple[int, int]) -> float:
        return float((rotate(query, places[first]) * rotate(key, places[second])).sum())

    assert product((1, 0), (2, 3)) == pytest.approx(product((0, 1), (1, 4)), abs=1e-5)
    assert product((0, 0), (0, 0)) == pytest.approx(float((query * key).sum()), abs=1e-5)
    others = [product((0, 0), place) for place in ((0, 1), (1, 0), (1, 1), (4, 4))]
    assert len({round(other, 3) for other in others}) == 4


@pytest.mark.parametrize("config", [{"pool": "cls"}, {"pool": "mean", "reg_tokens": 2}], ids=str)
def test_patches_that_a_training_step_keeps_stay_at_their_places(config):
    model = vision_transformer(pos_embed="rope", patch_drop_rate=0.6, **config).double()
    inputs, count = random_inputs(model, count=3).double(), model.config.num_patches
    torch.manual_seed(0)
    kept = torch.randn(3, count).argsort(dim=1)[:, : model.config.num_kept_patches]  # as PatchDropout draws them
    expected = answers(model, inputs, torch.zeros(3, 1, count, dtype=torch.bool).scatter(2, kept[:, None], True))[:, 0]
    torch.manual_seed(0)
    torch.testing.assert_close(model.train()(inputs), expected)


def test_a_training_step_of_a_class_token_computes_no_other_token_of_the_last_block():
    model, operations = vision_transformer(pool="cls", image_size=16), []
    for is_training in (False, True):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model.train(is_training)(torch.zeros(1, 3, 16, 16))
        operations.append(counter.get_total_flops())
    dim, tokens, hidden = 16, 65, model.config.mlp_dim
    spared = 2 * (tokens - 1) * (2 * dim * dim + 2 * dim * hidden)  # queries, projection and MLP
    assert operations[0] - operations[1] >= spared


def test_a_batch_norm_is_torchs_in_training_and_behind_it():
    own, theirs = BatchNorm(5).double(), torch.nn.BatchNorm2d(5).double()
    with torch.no_grad():
        theirs.weight.normal_()
        theirs.bias.normal_()
    own.load_state_dict({name: value for name, value in theirs.state_dict().items() if value.ndim})
    for seed in range(3):
        x = torch.randn(4, 5, 3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 3 + 1
        torch.testing.assert_close(own(x), theirs(x))
    torch.testing.assert_close(own.running_var, theirs.running_var)
    torch.testing.assert_close(own.eval()(x), theirs.eval()(x))


def test_a_frozen_batch_norm_keeps_its_statistics():
    norm = BatchNorm(3).requires_grad_(False).train()
    x = torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(norm(x), x / (1 + 1e-5) ** 0.5)
    assert torch.equal(norm.running_mean, torch.zeros(3))
