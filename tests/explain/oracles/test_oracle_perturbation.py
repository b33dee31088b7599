"""Taking things away, and measuring what that does, against captum, torchcam, scipy and grad-cam's imputation."""

import captum.attr
import pytest
import scipy.stats
import torch
from torchcam.metrics import DeletionInsertionMetric

from vit.explain.ablation import ablate, knock_out_each_head
from vit.explain.evidence import spearman
from vit.explain.gradients import per_patch
from vit.explain.perturbation import occlusion
from vit.explain.scores import score
from vit.explain.target import logit
from vit.explain.trace import Changes


def patch_ids(model):
    """Which patch each pixel belongs to, (1, 1, H, W)."""
    grid, side = model.config.grid_size, model.config.patch_size
    numbers = torch.arange(grid**2).view(1, 1, grid, grid)
    return numbers.repeat_interleave(side, 2).repeat_interleave(side, 3)


def kept_tokens(model, inputs):
    """A function of which patches are kept, (B, P) of 0 and 1, to the logits: what captum takes patches away from."""

    def forward(kept):
        prefix = torch.ones(len(kept), model.config.num_prefix_tokens)
        changes = Changes(key_mask=torch.cat([prefix, kept], dim=1).bool())
        return ablate(model, inputs.expand(len(kept), -1, -1, -1), changes)

    return forward


@pytest.mark.parametrize("method", [captum.attr.FeatureAblation, captum.attr.Occlusion])
def test_occlusion_is_captums_of_the_choice_of_tokens(case, method):
    everything = torch.ones(len(case.inputs), case.model.config.num_patches, dtype=torch.float64)
    window = {"sliding_window_shapes": (1,)} if method is captum.attr.Occlusion else {}
    found = method(kept_tokens(case.model, case.inputs)).attribute(everything, target=case.target, **window)
    ours = occlusion(case.model, case.inputs, case.target).flatten(1)
    assert torch.allclose(ours, found.to(ours), atol=1e-10)


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
        scale = torch.ones(1, model.config.depth, 2, dtype=torch.float64)
        scale[0, layer, branch] = 0
        without = ablate(model, case.inputs, Changes(block_scale=scale))
        drop = logit(model(case.inputs), case.target) - logit(without, case.target)
        assert torch.allclose(drop, theirs, atol=1e-10)


class DropsBlankPatches(torch.nn.Module):
    """Answers for the given inputs without the patches that are blank in what it is called with."""

    def __init__(self, vit, inputs):
        super().__init__()
        self.vit, self.inputs = vit, inputs

    def forward(self, images):
        side = self.vit.config.patch_size
        kept = torch.nn.functional.max_pool2d(images.abs().amax(1, keepdim=True), side).flatten(1) > 0
        return kept_tokens(self.vit, self.inputs)(kept.double())


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
    steps = 3 if patches % 2 else 4  # equal ones, as torchcam's are
    found = score(model, case.inputs, case.target, values, groups=steps)
    for number, image in enumerate(case.inputs.split(1)):
        given = Given(DropsBlankPatches(model, image), pixels[number : number + 1])
        metric = DeletionInsertionMetric(given, lambda logits: logits.softmax(1), steps=steps)
        metric.update(image, case.target)
        theirs = metric.summary()
        assert found.deletion[number].item() == pytest.approx(theirs["deletion_auc"], abs=1e-6)
        assert found.insertion[number].item() == pytest.approx(theirs["insertion_auc"], abs=1e-6)


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
    side = case.model.config.patch_size
    expected = theirs[:, 0, ::side, ::side]
    assert torch.allclose(per_patch(case.model, case.inputs), expected, atol=1e-10)
