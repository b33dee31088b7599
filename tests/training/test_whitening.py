"""A whitened first layer sees uncorrelated values of equal strength, whatever the images' own statistics."""

import pytest
import torch

from tests.training.conftest import run_training, tiny_config, weights
from vit.data.augment import normalize
from vit.model import VisionTransformer
from vit.training.initialization import WHITENING_STD, first_layer, whiten


@pytest.fixture(params=["patch", "conv", "resnet", "resnet-deep"])
def network(request):
    torch.manual_seed(0)
    model = {"model__stem": request.param, "model__patch_size": 4, "model__embed_dim": 128}
    return VisionTransformer(tiny_config(**model).model)


def outputs(network, data):
    """What the first layer says about images, filter by filter: (C', n)."""
    layer = first_layer(network)
    layer.stride, layer.padding = layer.kernel_size, (0, 0)
    return layer(normalize(data.train.images, data.mean, data.std)).detach().transpose(0, 1).flatten(1)


def test_the_filters_of_strong_directions_are_uncorrelated_and_equally_strong(network, data):
    whiten(network, data)
    covariance = torch.cov(outputs(network, data)[:8]) / WHITENING_STD**2
    torch.testing.assert_close(covariance, torch.eye(8), atol=0.1, rtol=0)


def test_random_filters_are_neither(network, data):
    covariance = torch.cov(outputs(network, data)[:8])
    assert not torch.allclose(covariance / covariance.diagonal().mean(), torch.eye(8), atol=0.5)


def test_each_direction_is_there_both_ways(network, data):
    whiten(network, data)
    weight = first_layer(network).weight
    count = min(len(weight) // 2, weight[0].numel())
    assert torch.equal(weight[:count], -weight[count : 2 * count])


def test_a_run_begins_with_it(home, data):
    first = []
    for name, wanted in (("plain", False), ("white", True)):
        config = tiny_config(train__whiten=wanted, train__lr=1e-12, train__weight_decay=0.0)
        run, *_ = run_training(config, data, name)
        first.append(weights(run)["model.patch_embed.proj.weight"])
    network = VisionTransformer(config.model)
    whiten(network, data)
    torch.testing.assert_close(first[1][:8], network.patch_embed.proj.weight[:8].detach())
    assert not torch.allclose(first[0][:8], first[1][:8], atol=1e-3)
