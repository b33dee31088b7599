"""Taking things away, and measuring what that does, against captum, torchcam, scipy and grad-cam's imputation."""

from copy import deepcopy

import captum.attr
import pytest
import scipy.stats
import torch
from torchcam.metrics import DeletionInsertionMetric

from vit.explain.curves import curves
from vit.explain.gradients import per_patch
from vit.explain.perturbation import occlusion
from vit.explain.ranks import spearman
from vit.explain.surgery import knock_out_each_head
from vit.explain.target import logit
from vit.explain.trace import trace


def patch_ids(model):
    """Which patch each pixel belongs to, (1, 1, H, W)."""
    grid, side = model.config.grid_size, model.config.patch_size
    numbers = torch.arange(grid**2).view(1, 1, grid, grid)
    return numbers.repeat_interleave(side, 2).repeat_interleave(side, 3)


def one_pixel_per_patch(pixels, side):
    return pixels[:, 0, ::side, ::side]


def test_occlusion_by_pixels_is_captums_occlusion(case):
    side, channels = case.model.config.patch_size, case.model.config.in_channels
    window = (channels, side, side)
    model = deepcopy(case.model).float()  # captum's occlusion knows float32 only
    theirs = captum.attr.Occlusion(model).attribute(
        case.inputs.float(), window, strides=window, baselines=0, target=case.target
    )
    ours = occlusion(case.model, case.inputs, case.target, "pixels")
    assert torch.allclose(ours.float(), one_pixel_per_patch(theirs, side), atol=1e-4)


def test_occlusion_by_pixels_is_captums_ablation(case):
    method, mask = captum.attr.FeatureAblation(case.model), patch_ids(case.model)
    theirs = method.attribute(case.inputs, target=case.target, feature_mask=mask, baselines=0)
    ours = occlusion(case.model, case.inputs, case.target, "pixels")
    assert torch.allclose(ours, one_pixel_per_patch(theirs, case.model.config.patch_size), atol=1e-10)


def test_switching_off_a_head_is_captums_ablation_of_its_numbers(case):
    model = case.model
    heads = (torch.arange(model.config.embed_dim) // model.config.head_dim).view(1, 1, -1)
    ours = knock_out_each_head(model, case.inputs, case.target)
    for layer, block in enumerate(model.blocks):
        method = captum.attr.LayerFeatureAblation(model, block.attn.proj)
        settings = {"layer_baselines": 0, "target": case.target, "attribute_to_layer_input": True}
        theirs = method.attribute(case.inputs, layer_mask=heads, **settings)[:, 0, :: model.config.head_dim]
        assert torch.allclose(-ours[:, layer], theirs, atol=1e-10)


@pytest.mark.parametrize(("branch", "name"), [(0, "attn"), (1, "mlp")])
def test_switching_off_a_block_is_captums_ablation_of_its_branch(case, branch, name):
    model = case.model
    for layer, block in enumerate(model.blocks):
        method = captum.attr.LayerFeatureAblation(model, getattr(block, name))
        whole = torch.zeros(1, 1, 1, dtype=torch.long)
        theirs = method.attribute(case.inputs, layer_baselines=0, target=case.target, layer_mask=whole)[:, 0, 0]
        scale = torch.ones(model.config.depth, 2, dtype=torch.float64)
        scale[layer, branch] = 0
        without = trace(model, case.inputs, block_scale=scale).logits
        drop = logit(model(case.inputs), case.target) - logit(without, case.target)
        assert torch.allclose(drop, theirs, atol=1e-10)


class Given:
    """A stand-in for torchcam's extractors: hands over maps that are there already."""

    def __init__(self, model, pixels):
        self.model, self.pixels = model, pixels

    def __call__(self, class_idx, scores, **settings):
        return [self.pixels]

    def fuse_cams(self, cams):
        return cams[0]

    def _hooks_off(self):
        return torch.no_grad()


def test_deletion_and_insertion_are_torchcams(case):
    model, side = case.model, case.model.config.patch_size
    grid, patches = model.config.grid_size, model.config.num_patches
    values = torch.rand(len(case.inputs), grid, grid, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    pixels = values.repeat_interleave(side, 1).repeat_interleave(side, 2)
    metric = DeletionInsertionMetric(Given(model, pixels), lambda logits: logits.softmax(1), steps=patches)
    metric.update(case.inputs, case.target)
    theirs = metric.summary()
    found = curves(model, case.inputs, case.target, values, steps=patches, without="pixels")
    assert found.area(found.deletion).mean().item() == pytest.approx(theirs["deletion_auc"], abs=1e-6)
    assert found.area(found.insertion).mean().item() == pytest.approx(theirs["insertion_auc"], abs=1e-6)


def test_rank_correlation_is_scipys():
    generator = torch.Generator().manual_seed(0)
    one, other = torch.randint(0, 5, (2, 6, 4, 4), generator=generator).double()  # full of ties
    theirs = [scipy.stats.spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(one, other, strict=True)]
    assert torch.allclose(spearman(one, other), torch.tensor(theirs), atol=1e-12)


def test_sums_per_patch_are_captums_groups(case):
    """A patch's sum of pixels is what ablating it does to a model that only adds pixels up."""
    theirs = captum.attr.FeatureAblation(lambda x: x.sum((1, 2, 3))).attribute(
        case.inputs, feature_mask=patch_ids(case.model)
    )
    expected = one_pixel_per_patch(theirs, case.model.config.patch_size)
    assert torch.allclose(per_patch(case.model, case.inputs), expected, atol=1e-10)
