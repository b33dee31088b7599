"""What is compared: random models whose attention is peaked, and shipped ones on real images; all in float64."""

from dataclasses import dataclass

import pytest
from builders import random_inputs, vision_transformer
from torch import Tensor

from vit import images, samples
from vit.model import VisionTransformer
from vit.predict import Predictor

RANDOM = {
    "class token": {"pool": "cls"},
    "class token, registers, one head": {"pool": "cls", "reg_tokens": 3, "num_heads": 1, "depth": 3},
    "mean, 3 x 3": {"image_size": 12, "patch_size": 4, "depth": 3, "num_heads": 4},
    "mean, registers, stem, gray": {"patch_size": 4, "stem": "conv", "in_channels": 1, "reg_tokens": 1},
}
# What some libraries know: a class token and no registers.
PLAIN = {
    "4 x 4": RANDOM["class token"],
    "8 x 8": {"pool": "cls", "image_size": 32, "patch_size": 4, "embed_dim": 64, "depth": 4, "num_heads": 4},
}


@dataclass(frozen=True)
class Case:
    """A model, images (B, C, H, W) and the class to explain."""

    model: VisionTransformer
    inputs: Tensor
    target: int


def random_case(**config) -> Case:
    model = vision_transformer(**config).double()
    return Case(model, random_inputs(model).double(), 1)


def shipped_case(name: str) -> Case:
    predictor = Predictor.load(name)
    seen = [predictor.see(images.decode(s.path.read_bytes(), s.name).image) for s in samples.list_samples()[:2]]
    # CAM libraries find no gradient where no weight asks for one.
    return Case(predictor.model.double().requires_grad_(), predictor.inputs(seen).double(), 3)


@pytest.fixture(scope="session", params=[*RANDOM, "cifar10-hybrid"])
def case(request) -> Case:
    return random_case(**RANDOM[request.param]) if request.param in RANDOM else shipped_case(request.param)


@pytest.fixture(scope="session", params=RANDOM)
def random(request) -> Case:
    return random_case(**RANDOM[request.param])


@pytest.fixture(scope="session", params=[*PLAIN, "cifar10-plain"])
def plain_case(request) -> Case:
    return random_case(**PLAIN[request.param]) if request.param in PLAIN else shipped_case(request.param)
