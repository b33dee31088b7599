"""Sweeps over tiny runs: 8x8 images of three classes, a dozen steps."""

import pytest

from tests.training.conftest import folder, tiny_config
from vit.sweeps import directory
from vit.sweeps.definition import Definition, parse
from vit.sweeps.directory import Sweep

__all__ = ["folder"]  # the images as an image folder, a fixture
RATES, POOLS = "train.lr=1e-4..1e-2:log", "model.pool=cls,mean"


@pytest.fixture
def made(home):
    """Creates a sweep of tiny runs: ``made("model.pool=cls,mean", sampler="grid", trials=2)``."""

    def make(*varied: str, name: str = "tiny", config: dict | None = None, **choice) -> Sweep:
        config = config or tiny_config(model__num_classes=10).to_json()  # as the built-in images have

        fields = tuple(map(parse, varied or (RATES,)))
        return directory.create(Definition(name=name, config=config, varied=fields, **{"trials": 4, **choice}))

    return make
