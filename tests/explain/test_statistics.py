"""Figures of heads have the values that attention made by hand must have."""

import math

import pytest
import torch
from variety import CONFIGS, model_and_pictures

from vit.errors import VitError
from vit.explain.lens import pooled_lens
from vit.explain.statistics import (
    attention_distance,
    class_token_share,
    decision_depth,
    entropy,
    head_similarity,
    patch_distances,
)
from vit.explain.trace import Trace, trace


def made_by_hand(attention, prefix=0, pool="mean"):
    """A trace of one layer, picture and head with this attention (N, N)."""
    grid = math.isqrt(len(attention) - prefix)
    nothing = torch.zeros(1, 1, 1, 1, 1)
    return Trace(torch.zeros(1, 2), attention[None, None, None], nothing, nothing[0], prefix, grid, pool)


def test_attention_to_oneself_goes_no_distance():
    assert attention_distance(made_by_hand(torch.eye(64))).item() == 0


def test_uniform_attention_on_8_x_8_goes_16_546_pixels_of_patches_of_4():
    assert attention_distance(made_by_hand(torch.full((64, 64), 1 / 64))).item() * 4 == pytest.approx(16.546, abs=1e-3)


def test_attention_to_the_next_patch_goes_one_patch():
    right = torch.eye(4)[[1, 0, 3, 2]]
    assert attention_distance(made_by_hand(right)).item() == pytest.approx(1)


def test_prefix_tokens_are_nowhere_and_do_not_shorten_the_way():
    far = torch.zeros(5, 5)
    far[:, 0] = 0.9  # most goes to the class token
    far[1:, 1:] = 0.1 * torch.eye(4)[[3, 2, 1, 0]]
    assert attention_distance(made_by_hand(far, 1, "cls")).item() == pytest.approx(math.sqrt(2))
    far[:, 1:] = 0
    assert attention_distance(made_by_hand(far, 1, "cls")).item() == 0


@pytest.mark.parametrize("name", CONFIGS)
def test_distance_is_its_formula(name):
    model, inputs = model_and_pictures(name)
    seen, prefix, grid = trace(model, inputs), model.config.num_prefix_tokens, model.config.grid_size
    found = attention_distance(seen)
    total = 0.0
    for query in range(grid**2):
        row = seen.attention[0, 1, -1, prefix + query, prefix:]
        for key in range(grid**2):
            way = math.dist(divmod(query, grid), divmod(key, grid))
            total += float(row[key] / row.sum()) * way
    assert found[0, 1, -1].item() == pytest.approx(total / grid**2, abs=1e-10)


def test_distances_are_in_reading_order():
    assert patch_distances(3)[0].tolist() == pytest.approx([0, 1, 2, 1, 2**0.5, 5**0.5, 2, 5**0.5, 8**0.5])


def test_entropy_is_nothing_for_one_token_and_log_n_for_all_alike():
    assert entropy(made_by_hand(torch.eye(9))).item() == 0
    assert entropy(made_by_hand(torch.full((9, 9), 1 / 9))).item() == pytest.approx(math.log(9))


def test_the_class_tokens_share_is_what_patches_give_it():
    attention = torch.eye(6)
    attention[2:, 0], attention[2:, 1] = 0.25, 0.75  # class token, register
    assert class_token_share(made_by_hand(attention, 2, "cls")).item() == pytest.approx(0.25)


def test_a_model_without_a_class_token_is_told_so():
    with pytest.raises(VitError, match="no class token"):
        class_token_share(made_by_hand(torch.eye(4)))


def test_a_head_is_like_itself():
    model, inputs = model_and_pictures("class token and registers")
    found = head_similarity(trace(model, inputs))
    assert torch.allclose(found.diagonal(dim1=-2, dim2=-1), torch.ones((), dtype=torch.float64))
    assert torch.allclose(found, found.transpose(-1, -2))
    assert found.shape == (3, 2, 4, 4)


def test_the_depth_of_a_decision_is_the_layer_after_which_it_stays():
    answers = torch.zeros(4, 3, 2)  # three pictures: decided at once, at the second layer, wavering to the end
    answers[:, 0, 1] = 1
    answers[2:, 1, 1] = 1
    answers[[0, 3], 2, 1] = 1
    answers[..., 0] = 0.5
    assert decision_depth(answers).tolist() == [0, 2, 3]


def test_a_decision_is_never_later_than_the_last_layer():
    model, inputs = model_and_pictures("class token and registers", count=8)
    depth = decision_depth(pooled_lens(model, trace(model, inputs)))
    assert 0 <= depth.min() <= depth.max() <= 3
