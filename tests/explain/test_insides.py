"""What weights show without a picture."""

import pytest
import torch
from builders import vision_transformer
from variety import model_and_pictures

from vit.errors import VitError
from vit.explain.trace import trace
from vit.explain.weights import patch_filters_pca, position_similarity, token_norms


def test_places_are_compared_without_the_prefix():
    model = vision_transformer(pool="cls", reg_tokens=2)
    found = position_similarity(model)
    one, other = model.pos_embed[0, 3 + 2].detach(), model.pos_embed[0, 3 + 9].detach()
    assert found.shape == (16, 16)
    assert found[2, 9].item() == pytest.approx(torch.cosine_similarity(one, other, dim=0).item(), abs=1e-6)


def test_fixed_places_are_most_like_their_neighbours():
    found = position_similarity(vision_transformer(pos_embed="sincos2d", image_size=16))
    assert found[0].argsort(descending=True)[0] == 0
    assert found[0, 1] > found[0, 3]


def test_a_model_without_places_is_told_so():
    with pytest.raises(VitError, match="no position embeddings"):
        position_similarity(vision_transformer(pos_embed="none"))


@pytest.mark.parametrize("config", [{}, {"patch_size": 4, "stem": "conv"}], ids=str)
def test_components_are_orthonormal_and_explain_everything_together(config):
    found = patch_filters_pca(vision_transformer(**config))
    flat = found.components.flatten(1)
    assert torch.allclose(flat @ flat.T, torch.eye(len(flat)), atol=1e-5)
    assert found.explained.sum().item() == pytest.approx(1, abs=1e-5)
    assert found.explained.diff().max() <= 0


def test_filters_made_of_one_pattern_have_that_component():
    model = vision_transformer()
    pattern = torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.patch_embed.proj.weight.copy_(torch.arange(16.0).view(16, 1, 1, 1) * pattern)
    found = patch_filters_pca(model, 1)
    overlap = (found.components[0] * pattern).sum().abs() / pattern.norm()
    assert overlap.item() == pytest.approx(1, abs=1e-5)
    assert found.explained.item() == pytest.approx(1, abs=1e-5)


def test_lengths_of_tokens_are_those_of_residuals():
    model, inputs = model_and_pictures("class token and registers")
    seen = trace(model, inputs)
    found = token_norms(seen)
    assert found.shape == (4, 2, 20)
    assert found[2, 1, 7].item() == pytest.approx(seen.residuals[2, 1, 7].square().sum().sqrt().item())
