"""Every method works on every model, leaves no mark on it, and refuses rather than draws what means nothing."""

import pytest
import torch
from builders import random_inputs, vision_transformer
from variety import CONFIGS, model_and_images

from vit.errors import VitError
from vit.explain import evidence
from vit.explain.ablation import knock_out_each_head, leaderboard
from vit.explain.evidence import untrained
from vit.explain.gradients import integrated_gradients
from vit.explain.internals import direct_logit_attribution
from vit.explain.methods import METHODS, edges, explain, random_map
from vit.explain.perturbation import occlusion
from vit.explain.scores import score
from vit.explain.target import Contrast
from vit.model import VisionTransformer
from vit.plots.heatmap import ATTENTION

LABELS = torch.tensor([0, 1])


def controlled(model, inputs):
    found = evidence.gather(model, inputs, 1, "relevance")
    return evidence.control(found, model, untrained(model), inputs, 1)


EVERYTHING = {
    **{name: (lambda model, inputs, name=name: explain(name, model, inputs, 1)) for name in METHODS},
    "score": lambda model, inputs: score(model, inputs, 1, torch.arange(32.0).view(2, 4, 4)),
    "control": lambda model, inputs: controlled(model, inputs[:1]),
    "integrated": lambda model, inputs: integrated_gradients(model, inputs, 1),
    "attribution": lambda model, inputs: direct_logit_attribution(model, inputs, 1),
    "knock_out": lambda model, inputs: knock_out_each_head(model, inputs, 1),
    "leaderboard": lambda model, inputs: leaderboard(model, inputs, LABELS),
}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_maps_every_kind_of_model(name, method):
    model, inputs = model_and_images(name)
    grid = model.config.grid_size
    for target in (1, Contrast(2, 0), LABELS):
        found = explain(method, model, inputs, target)
        assert found.shape == (2, grid, grid)
        assert found.isfinite().all()
        assert found.dtype is torch.float64
        assert not found.requires_grad
        if not METHODS[method].is_signed:
            assert found.min() >= 0


@pytest.mark.parametrize("method", [name for name in METHODS if name != "random"])  # it draws for a batch
def test_a_map_does_not_depend_on_the_images_beside_it(method):
    model, inputs = model_and_images("class token and registers")
    together = explain(method, model, inputs, LABELS)
    alone = [explain(method, model, inputs[i : i + 1], i) for i in range(2)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_depends_on_the_class_if_it_says_so(method):
    model, inputs = model_and_images("class token")
    one, other = explain(method, model, inputs, 0), explain(method, model, inputs, 1)
    assert torch.equal(one, other) != METHODS[method].is_class_specific


@pytest.mark.parametrize("method", METHODS)
def test_a_method_has_a_sign_if_it_says_so(method):
    model = vision_transformer(pool="cls")
    lowest = explain(method, model, random_inputs(model, 16), 0).min()
    assert (lowest < 0) == METHODS[method].is_signed


@pytest.mark.parametrize("method", ["input_x_gradient", "integrated_gradients", "occlusion", "rise"])
def test_against_a_class_the_signed_maps_turn_around(method):
    model, inputs = model_and_images("mean")
    there, back = (explain(method, model, inputs, target) for target in (Contrast(0, 1), Contrast(1, 0)))
    assert torch.allclose(there, -back, atol=1e-10)


def test_what_a_method_is_fits_on_a_card():
    for name, method in METHODS.items():
        assert method.name == name
        assert 0 < len(method.title) < 30
        assert method.cost
        assert 20 < len(method.blind_spot) < 125
        assert method.blind_spot.endswith(".")
    assert METHODS["rollout"].unit == ATTENTION
    assert [name for name, method in METHODS.items() if method.is_control] == ["random", "edges"]


@pytest.mark.parametrize("name", EVERYTHING)
def test_explaining_leaves_no_mark(name):
    model = vision_transformer(pool="cls", drop_rate=0.5, attn_drop_rate=0.5, drop_path_rate=0.5)
    inputs = random_inputs(model, 2)
    model.head.bias.requires_grad_(False)
    weights, given = {key: tensor.clone() for key, tensor in model.state_dict().items()}, inputs.clone()
    asks = [weight.requires_grad for weight in model.parameters()]
    random_state = torch.get_rng_state()
    EVERYTHING[name](model, inputs)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert [weight.requires_grad for weight in model.parameters()] == asks
    assert all(weight.grad is None for weight in model.parameters())
    assert inputs.grad is None
    assert not inputs.requires_grad
    assert torch.equal(inputs, given)
    assert all(torch.equal(tensor, weights[key]) for key, tensor in model.state_dict().items())
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    assert not any(getattr(module, kind) for module in model.modules() for kind in hooks)
    assert not any(module.training for module in model.modules())
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("name", EVERYTHING)
def test_explaining_twice_gives_the_same_bits(name):
    model = vision_transformer(pool="cls")
    inputs = random_inputs(model, 2)
    assert str(EVERYTHING[name](model, inputs)) == str(EVERYTHING[name](model, inputs))


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_model_in_training_mode_is_refused_by_everything(name):
    model = vision_transformer(drop_rate=0.5).train()
    with pytest.raises(VitError, match="eval mode"):
        EVERYTHING[name](model, random_inputs(model, 2))
    assert model.training


@pytest.mark.parametrize("name", EVERYTHING)
@pytest.mark.parametrize("weight", ["patch_embed.proj.weight", "blocks.1.attn.qkv.bias", "head.weight"])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_weights_that_are_no_numbers_make_no_map(name, weight, bad):
    model = vision_transformer()
    with torch.no_grad():
        dict(model.named_parameters())[weight].view(-1)[0] = bad
    with pytest.raises(VitError, match="not a number"):
        EVERYTHING[name](model, random_inputs(model, 2))


def test_a_method_that_is_not_there_is_answered_with_those_that_are():
    model, inputs = model_and_images("mean")
    with pytest.raises(VitError, match="attention, rollout, relevance"):
        explain("magic", model, inputs, 1)


@pytest.mark.parametrize("target", [3, -1, Contrast(0, 3)])
@pytest.mark.parametrize("method", ["attention", "relevance", "occlusion", "edges"])
def test_a_class_that_is_not_there_is_refused_by_every_method(method, target):
    model, inputs = model_and_images("mean")
    with pytest.raises(VitError, match="classes are numbered 0 to 2"):
        explain(method, model, inputs, target)


@pytest.mark.parametrize("name", ["mean", "class token and registers"])
def test_relevance_without_any_layer_is_nothing(name):
    model, inputs = model_and_images(name)
    with torch.no_grad():
        for block in model.blocks:
            block.attn.proj.weight.zero_()
    assert explain("relevance", model, inputs, 1).abs().max() < 1e-12


def test_one_patch_is_worth_the_whole_answer():
    model, inputs = model_and_images("one patch, mean")
    nothing = model.head(model.fc_norm.bias)[1]
    assert torch.allclose(occlusion(model, inputs, 1)[:, 0, 0], model(inputs)[:, 1] - nothing)


def test_edges_are_where_brightness_changes():
    model = vision_transformer(image_size=16, patch_size=4)
    inputs = torch.zeros(1, 3, 16, 16)
    inputs[..., 10:] = 1  # an upright edge within the third column of patches
    found = edges(model, inputs, 0)[0]
    assert (found[:, 2] > 0).all()
    assert found[:, [0, 1, 3]].abs().max() == 0


def test_edges_in_green_count_most_and_those_in_blue_least():
    """ITU-R BT.601: brightness is 0.299 red, 0.587 green and 0.114 blue."""
    model = vision_transformer(image_size=16, patch_size=4)
    inputs = torch.zeros(3, 3, 16, 16)
    for color in range(3):
        inputs[color, color, :, 10:] = 1
    found = edges(model, inputs, 0)[:, 0, 2]
    assert (found / found.sum()).tolist() == pytest.approx([0.299, 0.587, 0.114])


def test_random_maps_differ_between_images_and_come_again():
    model, inputs = model_and_images("mean")
    found = random_map(model, inputs, 0)
    assert not torch.equal(found[0], found[1])
    assert torch.equal(found, random_map(model, inputs, 0))


@pytest.mark.parametrize("name", CONFIGS)
def test_untrained_weights_are_as_large_as_those_of_a_new_model(name):
    model, _ = model_and_images(name)
    fresh, again, other = (untrained(model, seed) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(fresh.parameters(), again.parameters(), strict=True))
    assert not torch.equal(fresh.head.weight, other.head.weight)
    drawn = sizes([untrained(model, seed) for seed in range(20)])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        new = sizes([VisionTransformer(model.config) for _ in range(20)])
    assert drawn == {key: pytest.approx(size, rel=0.3, abs=1e-9) for key, size in new.items()}  # few numbers are rough


def sizes(models):
    """The mean size of each parameter's numbers over some models."""
    names = dict(models[0].named_parameters())
    weights = {name: torch.stack([dict(model.named_parameters())[name].detach() for model in models]) for name in names}
    return {name: weight.abs().mean().item() for name, weight in weights.items()}
