"""Parameter groups partition the parameters; Muon's updates are orthogonal and as large as AdamW's."""

import pytest
import torch
from torch import nn

from tests.training.conftest import tiny_config
from vit.export.timm import timm_kwargs
from vit.model import VisionTransformer
from vit.training.optimizers import (
    Muon,
    build_optimizers,
    layer_scales,
    orthogonalize,
    orthogonalize_all,
    set_rates,
)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "muon"])
@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_every_parameter_is_in_exactly_one_group(optimizer, pool):
    config = tiny_config(train__optimizer=optimizer, model__pool=pool, model__reg_tokens=2)
    network = VisionTransformer(config.model)
    owned = [
        p for part in build_optimizers(network, config.train) for group in part.param_groups for p in group["params"]
    ]
    assert sorted(map(id, owned)) == sorted(map(id, network.parameters()))


def test_biases_norms_tokens_and_positions_do_not_decay():
    config = tiny_config(model__pool="cls", model__reg_tokens=1)
    network = VisionTransformer(config.model)
    names = {parameter: name for name, parameter in network.named_parameters()}
    (optimizer,) = build_optimizers(network, config.train)
    spared = {names[p] for group in optimizer.param_groups if group["weight_decay"] == 0 for p in group["params"]}
    assert spared == {
        name for name in names.values() if name.endswith(("bias", "_token", "pos_embed")) or "norm" in name
    }


@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_layer_decay_scales_each_learning_rate_as_timm_does(pool):
    timm = pytest.importorskip("timm.optim")
    network = VisionTransformer(tiny_config(model__pool=pool, model__reg_tokens=2, model__depth=3).model)
    theirs = pytest.importorskip("timm.models").VisionTransformer(**timm_kwargs(network.config))
    names = {parameter: name for name, parameter in theirs.named_parameters()}
    groups = timm.param_groups_layer_decay(theirs, layer_decay=0.7)
    wanted = {names[parameter]: group["lr_scale"] for group in groups for parameter in group["params"]}
    assert layer_scales(network, 0.7) == pytest.approx(wanted)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "muon"])
def test_layer_decay_makes_the_step_of_each_parameter_as_much_smaller(optimizer):
    """Against the same step with one rate; without weight decay, of any size."""
    config = tiny_config(train__optimizer=optimizer, model__pool="cls")
    moves = []
    for decay in (1.0, 0.5):
        torch.manual_seed(0)
        network = VisionTransformer(config.model)
        before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
        optimizers = build_optimizers(network, config.train, decay)
        network(torch.randn(4, 3, 8, 8)).square().sum().backward()
        for part in optimizers:
            set_rates(part, 0.01, 0.0)
            part.step()
        moves.append({name: parameter.detach() - before[name] for name, parameter in network.named_parameters()})
    scales = layer_scales(network, 0.5)
    for name, move in moves[0].items():
        torch.testing.assert_close(moves[1][name], scales[name] * move, atol=1e-7, rtol=1e-3)  # of differences


@pytest.mark.parametrize("shape", [(16, 16), (32, 16), (16, 32)])
def test_orthogonalized_matrices_have_singular_values_near_one(shape):
    matrices = torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(torch.stack(orthogonalize_all(list(matrices))))
    assert values.median() > 0.7  # five iterations leave the very smallest behind, by design
    assert values.max() < 1.3


def test_matrices_of_any_shapes_are_made_orthogonal_each_by_itself():
    random = torch.Generator().manual_seed(0)
    matrices = [torch.randn(shape, generator=random) for shape in ((8, 4), (4, 8), (6, 6), (4, 8), (3, 5))]
    for matrix, together in zip(matrices, orthogonalize_all(matrices), strict=True):
        (alone,) = orthogonalize_all([matrix])
        torch.testing.assert_close(together, alone)


def test_orthogonalizing_keeps_the_singular_vectors():
    """The polar factor U V^T is what Newton-Schulz approaches, so the angle to it must be small."""
    matrix = torch.randn(1, 24, 24, generator=torch.Generator().manual_seed(0))
    u, _, vh = torch.linalg.svd(matrix)
    got, want = orthogonalize(matrix).flatten(), (u @ vh).flatten()
    assert torch.cosine_similarity(got, want, dim=0) > 0.97


def test_muon_treats_a_fused_qkv_matrix_as_three():
    torch.manual_seed(0)
    fused = nn.Parameter(torch.randn(24, 8))
    parts = [nn.Parameter(piece.clone()) for piece in fused.detach().chunk(3)]
    fused.grad = torch.randn(24, 8)
    for part, grad in zip(parts, fused.grad.chunk(3), strict=True):
        part.grad = grad.clone()
    Muon([fused], 0.1, 0.9, 0.01, fused=[fused]).step()
    Muon(parts, 0.1, 0.9, 0.01).step()
    torch.testing.assert_close(fused.detach(), torch.cat([part.detach() for part in parts]))


@pytest.mark.parametrize("mlp_ratio", [2.0, 3.0])
def test_muon_cuts_the_qkv_into_three_and_nothing_else_whatever_its_shape(mlp_ratio):
    """With an MLP ratio of 3 the first layer of the MLP has the shape of a qkv."""
    config = tiny_config(train__optimizer="muon", model__mlp_ratio=mlp_ratio)
    network = VisionTransformer(config.model)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    muon, _ = build_optimizers(network, config.train)
    (group,) = muon.param_groups
    cut = {names[id(matrix)] for matrix in group["params"] if len(muon._pieces([matrix], [matrix])) == 3}
    assert cut == {f"blocks.{place}.attn.qkv.weight" for place in range(config.model.depth)}


def test_a_kernel_is_to_muon_the_matrix_that_its_convolution_multiplies_with():
    torch.manual_seed(0)
    kernel = nn.Parameter(torch.randn(8, 3, 2, 2))
    matrix = nn.Parameter(kernel.detach().flatten(1).clone())
    kernel.grad = torch.randn(8, 3, 2, 2)
    matrix.grad = kernel.grad.flatten(1).clone()
    Muon([kernel, matrix], 0.1, 0.9, 0.01).step()
    torch.testing.assert_close(kernel.detach().flatten(1), matrix.detach())


@pytest.mark.parametrize("stem", ["conv", "resnet", "patch"])
def test_muon_moves_all_that_multiplies_but_the_head(stem):
    network = VisionTransformer(tiny_config(model__stem=stem, model__patch_size=4).model)
    names = {parameter: name for name, parameter in network.named_parameters()}
    muon, _ = build_optimizers(network, tiny_config(train__optimizer="muon").train)
    moved = {names[p] for group in muon.param_groups for p in group["params"]}
    weights = {name for name, p in network.named_parameters() if name.endswith("weight") and p.ndim > 1}
    assert moved == weights - {"head.weight"}


def test_an_update_of_muon_is_as_large_as_one_of_adamw():
    """Root mean square 0.2 times the learning rate (Liu et al. 2025), whatever the shape."""
    for shape in ((32, 32), (64, 32), (32, 64)):
        matrix = nn.Parameter(torch.zeros(shape))
        matrix.grad = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        Muon([matrix], 1.0, 0.9, 0.0).step()
        assert matrix.detach().square().mean().sqrt().item() == pytest.approx(0.2, rel=0.25)


def test_adamw_agrees_with_torch_written_out():
    """One parameter, two steps, against the update rule of the paper (Loshchilov & Hutter 2019)."""
    config = tiny_config(train__lr=0.1, train__weight_decay=0.5)
    network = VisionTransformer(config.model)
    (optimizer,) = build_optimizers(network, config.train)
    weight = network.head.weight
    expected, first, second = weight.detach().clone(), torch.zeros_like(weight), torch.zeros_like(weight)
    for step in (1, 2):
        weight.grad = torch.full_like(weight, float(step))
        optimizer.step()
        first, second = 0.9 * first + 0.1 * step, 0.95 * second + 0.05 * step**2
        update = first / (1 - 0.9**step) / ((second / (1 - 0.95**step)).sqrt() + 1e-8)
        expected = expected - 0.1 * 0.5 * expected - 0.1 * update
    torch.testing.assert_close(weight.detach(), expected)


def moved_together(ours: list, theirs: list, oracle, steps: int = 4) -> None:
    """Give the same random gradients to our parameters and to their copies, and step both."""
    random = torch.Generator().manual_seed(3)
    for _ in range(steps):
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = torch.randn(mine.shape, generator=random)
            other.grad = mine.grad.clone()
        for optimizer in oracle:
            optimizer.step()


@pytest.mark.parametrize(("is_bf16", "tolerance"), [(False, 0.02), (True, 0.005)])
def test_muon_is_torchs_with_nesterov_momentum_decay_and_adamws_size(is_bf16, tolerance):
    """torch computes in bfloat16, whose 8 bits of mantissa leave up to 1 % in each update; so do we under autocast."""
    shapes = [(24, 8), (8, 24), (16, 16)]
    ours = [nn.Parameter(torch.randn(shape, generator=torch.Generator().manual_seed(1))) for shape in shapes]
    theirs, start = [nn.Parameter(p.detach().clone()) for p in ours], [p.detach().clone() for p in ours]
    reference = torch.optim.Muon(theirs, 0.1, weight_decay=0.5, momentum=0.9, adjust_lr_fn="match_rms_adamw")
    with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16):
        moved_together(ours, theirs, [Muon(ours, 0.1, 0.9, 0.5), reference])
    for mine, other, before in zip(ours, theirs, start, strict=True):
        assert (mine - other).norm() < tolerance * (other - before).norm()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_is_torchs_with_nesterov_momentum_and_decay_of_matrices_alone(momentum):
    config = tiny_config(
        train__optimizer="sgd", train__momentum=momentum, train__weight_decay=0.5, train__lr=0.1, model__pool="cls"
    )
    network = VisionTransformer(config.model)
    names, ours = zip(*network.named_parameters(), strict=True)
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    is_decayed = [p.ndim > 1 and name not in ("cls_token", "pos_embed") for name, p in network.named_parameters()]
    oracles = [
        torch.optim.SGD([p], 0.1, momentum, weight_decay=0.5 * decayed, nesterov=momentum > 0)
        for p, decayed in zip(theirs, is_decayed, strict=True)
    ]
    moved_together(ours, theirs, [*build_optimizers(network, config.train), *oracles])
    for name, mine, other in zip(names, ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, msg=name)


def test_every_optimizer_gets_the_settings_of_the_run():
    settings = {"train__lr": 0.25, "train__momentum": 0.8, "train__weight_decay": 0.125}
    for name in ("adamw", "sgd", "muon"):
        config = tiny_config(train__optimizer=name, **settings)
        for optimizer in build_optimizers(VisionTransformer(config.model), config.train):
            groups = optimizer.param_groups
            assert {group["lr"] for group in groups} == {0.25}
            assert {group.get("momentum", 0.8) for group in groups} == {0.8}
            assert {group.get("betas", (0.9, 0.95)) for group in groups} == {(0.9, 0.95)}
            assert groups[0]["weight_decay"] == 0.125
            assert all(group["weight_decay"] == 0 for group in groups[1:])


def test_what_got_no_gradient_does_not_even_decay():
    still, moving = nn.Parameter(torch.ones(4, 4)), nn.Parameter(torch.ones(4, 4))
    moving.grad = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    Muon([still, moving], 0.1, 0.9, 0.5).step()
    assert torch.equal(still, torch.ones(4, 4))
    assert not torch.equal(moving, torch.ones(4, 4))


def test_a_gradient_of_zeros_moves_nothing():
    matrix = nn.Parameter(torch.ones(4, 4))
    matrix.grad = torch.zeros(4, 4)
    Muon([matrix], 0.1, 0.9, 0.0).step()
    assert torch.equal(matrix, torch.ones(4, 4))


def test_newton_schulz_is_its_polynomial():
    """x -> a x + b x^3 + c x^5 of every singular value, five times, with the coefficients of Jordan 2024."""
    matrix = torch.randn(1, 6, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u, values, vh = torch.linalg.svd(matrix[0], full_matrices=False)
    values = values / values.norm()
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    torch.testing.assert_close(orthogonalize(matrix)[0], u @ values.diag() @ vh, atol=1e-6, rtol=0)  # 1e-7 in the norm


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "muon"])
def test_another_weight_decay_reaches_what_decays_and_nothing_else(optimizer):
    config = tiny_config(train__optimizer=optimizer, train__weight_decay=0.0)
    network = VisionTransformer(config.model)
    optimizers = build_optimizers(network, config.train)
    for one in optimizers:
        set_rates(one, 0.25, 0.5)
    groups = [group for one in optimizers for group in one.param_groups]
    assert {group["lr"] for group in groups} == {0.25}
    decay = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    for name, parameter in network.named_parameters():
        is_spared = parameter.ndim < 2 or name.endswith(("_token", "pos_embed"))
        assert decay[id(parameter)] == (0.0 if is_spared else 0.5), name
