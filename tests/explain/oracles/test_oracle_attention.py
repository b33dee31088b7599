"""Attention and what is made of it, against timm, torchvision, torchxai, scipy and scikit-learn."""

import scipy.stats
import torch
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_similarity, euclidean_distances
from timm.utils import AttentionExtract
from torchxai.methods.attention_rollout import AttentionRollout
from twins import timm_twin, torchvision_twin

from vit.explain.attention import attention_map, entropy, patch_distances, patch_map, rollout
from vit.explain.internals import patch_filters_pca, position_similarity
from vit.explain.trace import trace


def test_attention_weights_are_timms(case):
    extract = AttentionExtract(timm_twin(case.model), method="hook")
    theirs = torch.stack(list(extract(case.inputs).values()))
    assert torch.allclose(trace(case.model, case.inputs).attention, theirs, atol=1e-12)


def test_logits_are_timms(case):
    assert torch.allclose(trace(case.model, case.inputs).logits, timm_twin(case.model)(case.inputs), atol=1e-10)


def test_logits_are_torchvisions(plain_case):
    theirs = torchvision_twin(plain_case.model)(plain_case.inputs)
    assert torch.allclose(trace(plain_case.model, plain_case.inputs).logits, theirs, atol=1e-10)


def test_rollout_is_torchxais(plain_case):
    model, image = plain_case.model, plain_case.inputs[:1]
    theirs = AttentionRollout(timm_twin(model), head_fusion="mean", discard_ratio=0.0)._compute_cam(image, None)
    seen = trace(model, image)
    ours = patch_map(rollout(seen.attention), seen)
    # They add 1e-8 to each row's sum.
    assert torch.allclose(ours, torch.as_tensor(theirs).to(ours).view_as(ours), rtol=1e-6)


def test_entropy_is_scipys(case):
    seen = trace(case.model, case.inputs)
    theirs = scipy.stats.entropy(seen.attention.numpy(), axis=-1).mean(-1)
    assert torch.allclose(entropy(seen), torch.from_numpy(theirs), atol=1e-12)


def test_similarity_of_positions_is_scikit_learns(case):
    places = case.model.pos_embed[0, case.model.config.num_prefix_tokens :].detach()
    assert torch.allclose(position_similarity(case.model), torch.from_numpy(cosine_similarity(places)), atol=1e-12)


def test_components_of_filters_are_scikit_learns(case):
    weight = dict(case.model.named_parameters())[f"{patch_filters_pca(case.model).layer}.weight"].detach().flatten(1)
    ours, count = patch_filters_pca(case.model, 5), min(5, *weight.shape)
    theirs = PCA(n_components=count, svd_solver="full").fit(weight.numpy())
    overlap = (ours.components[:count].flatten(1) * torch.from_numpy(theirs.components_)).sum(1).abs()
    explained = torch.from_numpy(theirs.explained_variance_ratio_)
    is_direction = explained > 1e-12  # centring leaves a last component without any variance, which may point anywhere
    assert torch.allclose(ours.explained[:count], explained, atol=1e-12)
    assert torch.allclose(overlap[is_direction], torch.ones((), dtype=torch.float64), atol=1e-8)


def test_distances_of_patches_are_scikit_learns():
    places = [(row, column) for row in range(5) for column in range(5)]
    assert torch.allclose(patch_distances(5), torch.from_numpy(euclidean_distances(places)), atol=1e-12)


def test_maps_of_heads_are_the_class_tokens_rows_in_timm(plain_case):
    model, grid = plain_case.model, plain_case.model.config.grid_size
    seen = trace(model, plain_case.inputs)
    extracted = AttentionExtract(timm_twin(model), method="hook")(plain_case.inputs)
    for layer, theirs in enumerate(extracted.values()):
        rows = theirs[:, :, 0, model.config.num_prefix_tokens :].unflatten(-1, (grid, grid))
        for head in range(model.config.num_heads):
            assert torch.allclose(attention_map(seen, layer, head), rows[:, head], atol=1e-12)
