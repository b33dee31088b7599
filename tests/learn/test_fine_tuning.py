"""Positions on another grid are those that fine-tuning would begin with."""

import pytest
import torch
from builders import vision_transformer

from vit.learn import fine_tuning
from vit.positions import sincos2d
from vit.training.initialization import resize_positions


@pytest.mark.parametrize("fields", [{}, {"pool": "cls"}, {"pool": "cls", "reg_tokens": 3}, {"patch_size": 4}])
def test_learned_positions_are_resized_as_fine_tuning_does(fields):
    model = vision_transformer(**fields)
    own, prefix = model.config, model.config.num_prefix_tokens
    same = fine_tuning.positions_for(model, own.grid_size)
    assert torch.equal(same, model.pos_embed[0, prefix:])
    new = own.model_copy(update={"image_size": 6 * own.patch_size})
    expected = resize_positions(model.pos_embed, own, new)[0, prefix:]
    assert torch.equal(fine_tuning.positions_for(model, 6), expected)


def test_sines_and_cosines_are_computed_for_each_grid():
    model = vision_transformer(pos_embed="sincos2d")
    larger = model.config.model_copy(update={"image_size": 12})
    assert torch.equal(fine_tuning.positions_for(model, 6), sincos2d(larger)[0])


def test_a_model_without_positions_has_none_on_any_grid():
    assert fine_tuning.similarities(vision_transformer(pos_embed="none")) == []


def test_similarities_are_cosines():
    model = vision_transformer()
    for grid, found in fine_tuning.similarities(model):
        positions = fine_tuning.positions_for(model, grid)
        expected = torch.cosine_similarity(positions[:, None], positions[None], dim=2)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
        assert found.shape == (grid**2, grid**2)
