"""Where the truth is known, maps find it: on generated shapes, whose pixels are known, with a model that knows them.

Only form says the class there, so a map of a model that is right has to be on the object.
"""

import numpy as np
import pytest
import torch
from shells import Shell

from vit.checkpoint import load_with_info
from vit.data import shapes
from vit.data.augment import normalize
from vit.explain.evidence import untrained
from vit.explain.methods import explain
from vit.explain.scores import score

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ground truth")]  # they share a trained model

IMAGES = 200
# Plain patches: behind a convolutional stem a token sees some pixels of its neighbors, and the truth gets blurred.
MODEL = {
    "model.stem": "patch",
    "model.patch_size": 4,
    "model.depth": 3,
    "model.embed_dim": 64,
    "train.threads": 1,
    "train.eval_every": 10_000,
}


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A model trained for half a minute, and test images that it gets right, with their labels and masks."""
    shell = Shell(tmp_path_factory.mktemp("home"))
    settings = [word for name, value in MODEL.items() for word in ("--set", f"{name}={value}")]
    words = ["--preset", "1-minute", "--data", "shapes", *settings, "--steps", 700, "--run", "known", "--follow"]
    with shell.start("train", *words) as process:
        assert process.wait(timeout=900) == 0
    model, info = load_with_info(shell.run("known").checkpoint_path())
    images, labels, masks = (torch.from_numpy(values) for values in shapes.render(np.arange(IMAGES), 32, split="test"))
    inputs = normalize(images, torch.tensor(info.mean), torch.tensor(info.std))
    is_right = model(inputs).argmax(1) == labels
    assert is_right.float().mean() > 0.95
    return model, inputs[is_right], labels[is_right], masks[is_right]


def on_patches(mask, grid_size):
    """Share of each patch's pixels that belong to an object: bool (B, H, W) -> (B, g, g)."""
    return torch.nn.functional.avg_pool2d(mask[:, None].float(), mask.shape[-1] // grid_size)[:, 0]


def pointing_game(values, mask):
    """Whether a map's highest patch touches the object (Zhang et al. 2016, arXiv:1608.00507): bool (B,)."""
    highest = values.flatten(1).argmax(1, keepdim=True)
    return on_patches(mask, values.shape[-1]).flatten(1).gather(1, highest).squeeze(1) > 0


def mass_inside(values, mask):
    """Share of a map's positive values that lies on the object, by area: (B,). The mask's own share is chance."""
    positive = values.clamp_min(0)
    return (positive * on_patches(mask, values.shape[-1])).sum((1, 2)) / positive.sum((1, 2))


def hits(method, model, inputs, labels, masks):
    return pointing_game(explain(method, model, inputs, labels), masks).float().mean().item()


@pytest.mark.parametrize("method", ["relevance", "occlusion"])
def test_the_highest_patch_touches_the_object_if_the_model_is_trained_and_not_otherwise(known, method):
    model, *images = known
    few = [values[:60] for values in images]
    fresh = sum(hits(method, untrained(model, seed), *few) for seed in range(3)) / 3
    assert hits(method, model, *images) >= 0.9
    assert fresh < 0.85  # well above chance: the object is often the most conspicuous thing, whatever one looks for


def test_random_maps_hit_as_often_as_the_object_is_large(known):
    model, inputs, labels, masks = known
    chance = (on_patches(masks, 8) > 0).float().mean().item()
    error = (chance * (1 - chance) / len(inputs)) ** 0.5
    assert hits("random", *known) == pytest.approx(chance, abs=4 * error)  # four standard errors
    inside = mass_inside(explain("random", model, inputs, labels), masks).mean().item()
    assert inside == pytest.approx(masks.float().mean().item(), abs=0.02)


@pytest.mark.parametrize("method", ["relevance", "occlusion"])
def test_what_speaks_for_the_class_is_on_the_object(known, method):
    model, inputs, labels, masks = (values[:60] if torch.is_tensor(values) else values for values in known)
    share = masks.float().mean().item()
    trained = mass_inside(explain(method, model, inputs, labels), masks).mean().item()
    fresh = mass_inside(explain(method, untrained(model), inputs, labels), masks).mean().item()
    assert trained > 1.5 * share
    assert trained > 1.2 * fresh


def test_scores_rank_methods_as_the_truth_does(known):
    model, inputs, labels, _ = (values[:40] if torch.is_tensor(values) else values for values in known)
    found = {
        method: score(model, inputs, labels, explain(method, model, inputs, labels)).saco.mean().item()
        for method in ("random", "relevance", "occlusion")
    }
    assert abs(found["random"]) < 0.25
    assert min(found["relevance"], found["occlusion"]) > found["random"] + 0.3
