"""Taking patches away: against loops written out here, and against what must hold by design."""

import pytest
import torch
from test_walk import without_tokens
from variety import CONFIGS, model_and_pictures

from vit.errors import VitError
from vit.explain import perturbation
from vit.explain.perturbation import REMOVALS, answers, occlusion, rise, rise_masks
from vit.explain.ranks import spearman
from vit.explain.target import logit
from vit.explain.walk import answer


def choices(model, count=5, seed=0):
    return torch.rand(2, count, model.config.num_patches, generator=torch.Generator().manual_seed(seed)) < 0.5


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("without", REMOVALS)
def test_with_all_patches_kept_the_answer_is_the_models_own(name, without):
    model, inputs = model_and_pictures(name)
    everything = torch.ones(1, 2, model.config.num_patches, dtype=torch.bool)
    found = answers(model, inputs, everything, without)
    assert torch.allclose(found, model(inputs)[:, None].expand(-1, 2, -1), atol=1e-12)


@pytest.mark.parametrize("name", CONFIGS)
def test_occlusion_by_tokens_removes_one_token_after_the_other(name):
    model, inputs = model_and_pictures(name)
    if model.config.num_patches == 1:
        return
    whole, found = model(inputs)[:, 1], occlusion(model, inputs, 1).flatten(1)
    for patch in range(model.config.num_patches):
        rest = [other for other in range(model.config.num_patches) if other != patch]
        expected = whole - without_tokens(model, inputs, rest)[:, 1]
        assert torch.allclose(found[:, patch], expected, atol=1e-12)


def test_every_picture_is_seen_under_its_own_choices():
    model, inputs = model_and_pictures("class token")
    kept = choices(model)
    together = answers(model, inputs, kept)
    for picture in range(2):
        for number in range(5):
            chosen = kept[picture, number].nonzero().flatten().tolist()
            expected = without_tokens(model, inputs[picture : picture + 1], chosen)[0]
            assert torch.allclose(together[picture, number], expected, atol=1e-12)


def test_the_same_choice_is_asked_about_once_and_dropped_tokens_are_not_computed(monkeypatch):
    model, inputs = model_and_pictures("class token", count=1)
    asked = []

    def watched(model, tokens, *changes):
        asked.append(tuple(tokens.shape[:2]))
        return answer(model, tokens, *changes)

    monkeypatch.setattr(perturbation, "answer", watched)
    monkeypatch.setattr(perturbation, "ATTENTION_NUMBERS", 1)  # one sequence at a time
    kept = torch.arange(16)[None, :] < torch.tensor([4, 16, 4, 0])[:, None]
    answers(model, inputs, kept[None])
    assert asked == [(1, 1), (1, 5), (1, 17)]  # the class token, and what is kept


@pytest.mark.parametrize("without", REMOVALS)
def test_how_many_fit_into_memory_at_a_time_changes_nothing(monkeypatch, without):
    model, inputs = model_and_pictures("class token and registers")
    together = answers(model, inputs, choices(model), without)
    monkeypatch.setattr(perturbation, "ATTENTION_NUMBERS", 1)
    assert torch.allclose(answers(model, inputs, choices(model), without), together, atol=1e-12)


def test_without_all_pixels_the_model_sees_the_mean_picture():
    model, inputs = model_and_pictures("grey, stem")
    nothing = torch.zeros(1, 1, model.config.num_patches, dtype=torch.bool)
    found = answers(model, inputs, nothing, "pixels")[:, 0]
    assert torch.allclose(found, model(torch.zeros_like(inputs)), atol=1e-12)


def test_the_mean_of_all_patches_takes_the_content_and_leaves_the_place():
    model, inputs = model_and_pictures("class token and registers")
    prefix = model.config.num_prefix_tokens
    tokens = model.embed(inputs)
    content = model.patch_embed(inputs)
    tokens[:, prefix + 3] = content.mean(1) + model.pos_embed[:, prefix + 3]
    expected = model.forward_head(model.norm(model.blocks(tokens)))
    kept = torch.ones(1, 1, 16, dtype=torch.bool)
    kept[..., 3] = False
    assert torch.allclose(answers(model, inputs, kept, "mean")[:, 0], expected, atol=1e-12)


@pytest.mark.parametrize("name", ["mean", "class token", "no positions, one head, 3 x 3"])
def test_rise_with_one_patch_left_out_at_a_time_is_occlusion(name):
    model, inputs = model_and_pictures(name)
    alone = ~torch.eye(model.config.num_patches, dtype=torch.bool)
    found = spearman(rise(model, inputs, 1, alone), occlusion(model, inputs, 1))
    assert torch.allclose(found, torch.ones(2, dtype=torch.float64))


def test_rise_is_its_formula():
    model, inputs = model_and_pictures("mean")
    masks = choices(model, 12)[0]
    scores = logit(answers(model, inputs, masks[None]), 1)
    for patch in range(16):
        kept = masks[:, patch]
        expected = scores[:, kept].mean(1) - scores.mean(1)
        assert torch.allclose(rise(model, inputs, 1, masks).flatten(1)[:, patch], expected, atol=1e-12)


def test_rise_gives_nothing_to_a_patch_that_is_never_kept():
    model, inputs = model_and_pictures("mean")
    masks = choices(model, 12)[0]
    masks[:, 5] = False
    assert rise(model, inputs, 1, masks).flatten(1)[:, 5].tolist() == [0.0, 0.0]


def test_random_choices_keep_every_patch_half_of_the_time_and_are_the_same_again():
    masks = rise_masks(64)
    assert masks.shape == (256, 64)
    assert masks.sum(0).tolist() == [128] * 64
    assert torch.equal(masks, rise_masks(64))


def test_another_removal_is_refused_with_those_there_are():
    model, inputs = model_and_pictures("mean")
    with pytest.raises(VitError, match="token, mean, pixels"):
        occlusion(model, inputs, 1, "blur")
