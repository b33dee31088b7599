"""Edits change what they say and nothing else; the order of tokens counts through positions alone."""

import pytest
import torch
from builders import pictures, vision_transformer

from vit.errors import VitError
from vit.explain import edits

CHOSEN = torch.zeros(4, 4, dtype=torch.bool)
CHOSEN[1, 2] = CHOSEN[3, 0] = True


def patches_of(inputs: torch.Tensor) -> torch.Tensor:
    """Patches by torch's own unfolding: (B, P, C * side * side)."""
    return torch.nn.functional.unfold(inputs, 2, stride=2).transpose(1, 2)


@pytest.mark.parametrize("edit", edits.EDITS)
def test_an_edit_leaves_the_other_patches_alone(edit):
    inputs = torch.randn(2, 3, 8, 8)
    before, after = patches_of(inputs), patches_of(edits.edited(inputs, CHOSEN, edit))
    untouched = ~CHOSEN.flatten()
    assert torch.equal(after[:, untouched], before[:, untouched])
    assert not torch.equal(after[:, ~untouched], before[:, ~untouched])


def test_painting_is_the_data_mean():
    painted = patches_of(edits.edited(torch.randn(1, 3, 8, 8), CHOSEN, "paint"))
    assert painted[:, CHOSEN.flatten()].abs().max() == 0


def test_shuffling_two_patches_swaps_them():
    before = torch.randn(1, 3, 8, 8)
    after = patches_of(edits.edited(before, CHOSEN, "shuffle"))
    first, second = CHOSEN.flatten().nonzero().flatten().tolist()
    assert torch.equal(after[:, first], patches_of(before)[:, second])
    assert torch.equal(after[:, second], patches_of(before)[:, first])


def test_shuffling_keeps_every_patch_and_leaves_none_at_its_place():
    inputs = torch.randn(1, 3, 8, 8)
    before, after = patches_of(inputs)[0], patches_of(edits.edited(inputs, torch.ones_like(CHOSEN), "shuffle"))[0]
    came_from = (after[:, None] == before[None]).all(-1)
    assert came_from.sum(0).tolist() == [1] * 16
    assert not came_from.diagonal().any()


def test_blurring_a_plain_picture_changes_nothing():
    plain = torch.full((1, 3, 8, 8), 0.7)
    assert torch.allclose(edits.edited(plain, CHOSEN, "blur"), plain)


def test_patches_are_put_back_where_they_were():
    inputs = torch.randn(2, 3, 12, 12)
    assert torch.equal(edits.fold(edits.unfold(inputs, 3), 3), inputs)


def test_an_unknown_edit_is_refused():
    with pytest.raises(VitError, match="no edit called 'burn'; use paint, blur, shuffle"):
        edits.edited(torch.zeros(1, 3, 8, 8), CHOSEN, "burn")


CONFIGS = [{"pool": "cls"}, {"pool": "mean", "reg_tokens": 2}, {"pool": "cls", "stem": "conv", "patch_size": 4}]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("pos_embed", ["learned", "sincos2d", "none"])
def test_order_counts_through_positions_alone(config, pos_embed):
    model = vision_transformer(image_size=16, pos_embed=pos_embed, **config).double()
    found = edits.shuffle_contents(model, pictures(model).double())
    assert torch.allclose(found.after_without, found.before_without, atol=1e-12)
    moved = (found.after - found.before).abs().max()
    assert moved < 1e-12 if pos_embed == "none" else moved > 1e-3


def test_what_is_shuffled_is_the_models_own_answer():
    model = vision_transformer()
    inputs = pictures(model)
    assert torch.allclose(edits.shuffle_contents(model, inputs).before, model(inputs).softmax(-1), atol=1e-5)
