"""Dropping, editing and shuffling patches: against loops written out here, and against what must hold by design."""

import pytest
import torch
from builders import random_inputs, vision_transformer
from test_walk import without_tokens
from variety import CONFIGS, model_and_images

from vit.errors import VitError
from vit.explain import perturbation
from vit.explain.evidence import spearman
from vit.explain.perturbation import EDITS, answers, edited, occlusion, rise, rise_masks, shuffle_contents
from vit.explain.target import logit
from vit.explain.trace import answer

CHOSEN = torch.zeros(4, 4, dtype=torch.bool)
CHOSEN[1, 2] = CHOSEN[3, 0] = True


def choices(model, count=5, seed=0):
    return torch.rand(2, count, model.config.num_patches, generator=torch.Generator().manual_seed(seed)) < 0.5


@pytest.mark.parametrize("name", CONFIGS)
def test_with_all_patches_kept_the_answer_is_the_models_own(name):
    model, inputs = model_and_images(name)
    everything = torch.ones(1, 2, model.config.num_patches, dtype=torch.bool)
    found = answers(model, inputs, everything)
    assert torch.allclose(found, model(inputs)[:, None].expand(-1, 2, -1), atol=1e-12)


@pytest.mark.parametrize("name", CONFIGS)
def test_occlusion_by_tokens_removes_one_token_after_the_other(name):
    model, inputs = model_and_images(name)
    if model.config.num_patches == 1:
        return
    whole, found = model(inputs)[:, 1], occlusion(model, inputs, 1).flatten(1)
    for patch in range(model.config.num_patches):
        rest = [other for other in range(model.config.num_patches) if other != patch]
        expected = whole - without_tokens(model, inputs, rest)[:, 1]
        assert torch.allclose(found[:, patch], expected, atol=1e-12)


def test_every_image_is_seen_under_its_own_choices():
    model, inputs = model_and_images("class token")
    kept = choices(model)
    together = answers(model, inputs, kept)
    for image in range(2):
        for number in range(5):
            chosen = kept[image, number].nonzero().flatten().tolist()
            expected = without_tokens(model, inputs[image : image + 1], chosen)[0]
            assert torch.allclose(together[image, number], expected, atol=1e-12)


def test_the_same_choice_is_asked_about_once_and_dropped_tokens_are_not_computed(monkeypatch):
    model, inputs = model_and_images("class token", count=1)
    asked = []

    def watched(model, tokens, *changes):
        asked.append(tuple(tokens.shape[:2]))
        return answer(model, tokens, *changes)

    monkeypatch.setattr(perturbation, "answer", watched)
    monkeypatch.setattr(perturbation, "ATTENTION_NUMBERS", 1)  # one sequence at a time
    kept = torch.arange(16)[None, :] < torch.tensor([4, 16, 4, 0])[:, None]
    answers(model, inputs, kept[None])
    assert asked == [(1, 1), (1, 5), (1, 17)]  # the class token, and what is kept


def test_how_many_fit_into_memory_at_a_time_changes_nothing(monkeypatch):
    model, inputs = model_and_images("class token and registers")
    together = answers(model, inputs, choices(model))
    monkeypatch.setattr(perturbation, "ATTENTION_NUMBERS", 1)
    assert torch.allclose(answers(model, inputs, choices(model)), together, atol=1e-12)


@pytest.mark.parametrize("name", ["mean", "class token", "no positions, one head, 3 x 3"])
def test_rise_with_one_patch_left_out_at_a_time_is_occlusion(name):
    model, inputs = model_and_images(name)
    alone = ~torch.eye(model.config.num_patches, dtype=torch.bool)
    found = spearman(rise(model, inputs, 1, alone), occlusion(model, inputs, 1))
    assert torch.allclose(found, torch.ones(2, dtype=torch.float64))


def test_rise_is_its_formula():
    model, inputs = model_and_images("mean")
    masks = choices(model, 12)[0]
    scores = logit(answers(model, inputs, masks[None]), 1)
    for patch in range(16):
        kept = masks[:, patch]
        expected = scores[:, kept].mean(1) - scores.mean(1)
        assert torch.allclose(rise(model, inputs, 1, masks).flatten(1)[:, patch], expected, atol=1e-12)


def test_rise_gives_nothing_to_a_patch_that_is_never_kept():
    model, inputs = model_and_images("mean")
    masks = choices(model, 12)[0]
    masks[:, 5] = False
    assert rise(model, inputs, 1, masks).flatten(1)[:, 5].tolist() == [0.0, 0.0]


def test_random_choices_keep_every_patch_half_of_the_time_and_are_the_same_again():
    masks = rise_masks(64)
    assert masks.shape == (256, 64)
    assert masks.sum(0).tolist() == [128] * 64
    assert torch.equal(masks, rise_masks(64))


def patches_of(inputs: torch.Tensor) -> torch.Tensor:
    """Patches by torch's own unfolding: (B, P, C * side * side)."""
    return torch.nn.functional.unfold(inputs, 2, stride=2).transpose(1, 2)


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_leaves_the_other_patches_alone(edit):
    inputs = torch.randn(2, 3, 8, 8)
    before, after = patches_of(inputs), patches_of(edited(inputs, CHOSEN, edit))
    untouched = ~CHOSEN.flatten()
    assert torch.equal(after[:, untouched], before[:, untouched])
    assert not torch.equal(after[:, ~untouched], before[:, ~untouched])


def test_painting_is_the_data_mean():
    painted = patches_of(edited(torch.randn(1, 3, 8, 8), CHOSEN, "paint"))
    assert painted[:, CHOSEN.flatten()].abs().max() == 0


def test_shuffling_two_patches_swaps_them():
    before = torch.randn(1, 3, 8, 8)
    after = patches_of(edited(before, CHOSEN, "shuffle"))
    first, second = CHOSEN.flatten().nonzero().flatten().tolist()
    assert torch.equal(after[:, first], patches_of(before)[:, second])
    assert torch.equal(after[:, second], patches_of(before)[:, first])


def test_shuffling_keeps_every_patch_and_leaves_none_at_its_place():
    inputs = torch.randn(1, 3, 8, 8)
    before, after = patches_of(inputs)[0], patches_of(edited(inputs, torch.ones_like(CHOSEN), "shuffle"))[0]
    came_from = (after[:, None] == before[None]).all(-1)
    assert came_from.sum(0).tolist() == [1] * 16
    assert not came_from.diagonal().any()


def test_blurring_a_plain_image_changes_nothing():
    plain = torch.full((1, 3, 8, 8), 0.7)
    assert torch.allclose(edited(plain, CHOSEN, "blur"), plain)


def test_an_unknown_edit_is_refused():
    with pytest.raises(VitError, match="no edit called 'burn'; use paint, blur, shuffle"):
        edited(torch.zeros(1, 3, 8, 8), CHOSEN, "burn")


SHUFFLED = [{"pool": "cls"}, {"pool": "mean", "reg_tokens": 2}, {"pool": "cls", "stem": "conv", "patch_size": 4}]


@pytest.mark.parametrize("config", SHUFFLED, ids=str)
@pytest.mark.parametrize("pos_embed", ["learned", "sincos2d", "rope", "none"])
def test_order_counts_through_positions_alone(config, pos_embed):
    model = vision_transformer(image_size=16, pos_embed=pos_embed, **config).double()
    found = shuffle_contents(model, random_inputs(model).double())
    assert torch.allclose(found.after_without, found.before_without, atol=1e-12)
    moved = (found.after - found.before).abs().max()
    assert moved < 1e-12 if pos_embed == "none" else moved > 1e-3


def test_what_is_shuffled_is_the_models_own_answer():
    model = vision_transformer()
    inputs = random_inputs(model)
    assert torch.allclose(shuffle_contents(model, inputs).before, model(inputs).softmax(-1), atol=1e-5)
