"""Switched-off heads and blocks do what doing it by hand does."""

import pytest
import torch
from variety import CONFIGS, model_and_images

from vit.explain import ablation, perturbation
from vit.explain.ablation import (
    _margin,
    ablate,
    knock_out_each_head,
    leaderboard,
    means,
    smallest_flipping,
    smallest_keeping,
)
from vit.explain.perturbation import answers, occlusion
from vit.explain.scores import ranked
from vit.explain.target import Contrast, logit, probability
from vit.explain.trace import Changes, walk


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("measure", [logit, probability])
def test_each_head_is_switched_off_alone(name, measure):
    model, inputs = model_and_images(name)
    found = knock_out_each_head(model, inputs, 1, measure)
    whole = measure(model(inputs), 1)
    for layer in range(model.config.depth):
        for head in range(model.config.num_heads):
            scale = torch.ones(1, model.config.depth, model.config.num_heads, dtype=torch.float64)
            scale[0, layer, head] = 0
            expected = measure(ablate(model, inputs, Changes(head_scale=scale)), 1) - whole
            assert torch.allclose(found[:, layer, head], expected, atol=1e-10)


def test_memory_does_not_change_what_heads_do(monkeypatch):
    model, inputs = model_and_images("class token and registers")
    expected = knock_out_each_head(model, inputs, 1)
    monkeypatch.setattr(perturbation, "ATTENTION_NUMBERS", 1)
    assert torch.allclose(knock_out_each_head(model, inputs, 1), expected, atol=1e-12)


def by_mean(model, inputs, labels, layer, head):
    """Accuracy with one head's numbers replaced by their mean over the images, through a hook on the projection."""
    size = model.config.head_dim
    columns = slice(head * size, (head + 1) * size)

    def replace(_, arguments):
        x = arguments[0].clone()
        x[..., columns] = x[..., columns].mean(0, keepdim=True)
        return (x,)

    handle = model.blocks[layer].attn.proj.register_forward_pre_hook(replace)
    right = (model(inputs).argmax(1) == labels).double().mean().item()
    handle.remove()
    return right


def test_the_leaderboard_tells_accuracy_lost_with_a_head_at_its_mean():
    model, inputs = model_and_images("class token and registers", count=100)
    with torch.no_grad():
        model.head.bias -= model(inputs).mean(0)  # so that no class is the answer to everything
    labels = model(inputs).argmax(1)
    labels[::5] = (labels[::5] + 1) % 3
    seen = []
    found = leaderboard(model, inputs, labels, progress=lambda done, total: seen.append((done, total)))
    assert found.accuracy == pytest.approx(0.8)
    assert seen == [(done + 1, 12) for done in range(12)]
    for layer, head in ((0, 0), (1, 2), (2, 3)):
        expected = found.accuracy - by_mean(model, inputs, labels, layer, head)
        assert found.lost[layer, head].item() == pytest.approx(expected)
    assert found.lost.abs().max() > 0


def test_the_margin_holds_what_all_images_would_show_in_95_of_100_draws():
    """6 % of all images are right only with a head and 2 % only without it; 500 are drawn at a time."""
    generator, hits = torch.Generator().manual_seed(0), 0
    for _ in range(1000):
        drawn = torch.rand(500, generator=generator)
        lost, won = int((drawn < 0.06).sum()), int(((drawn >= 0.06) & (drawn < 0.08)).sum())
        hits += abs((lost - won) / 500 - 0.04) <= _margin(lost, won, 500)
    assert hits / 1000 == pytest.approx(0.95, abs=0.02)
    assert 0 < _margin(0, 0, 500) < 0.01


def test_the_leaderboards_margin_is_of_the_images_that_change():
    model, inputs = model_and_images("class token", count=40)
    found = leaderboard(model, inputs, torch.arange(40) % 3)
    assert found.images == 40
    least = _margin(0, 0, 40)
    assert ((found.margin >= least - 1e-6) & (found.margin.square() >= found.lost.abs() / 40)).all()


def test_a_cancelled_leaderboard_keeps_what_it_has():
    model, inputs = model_and_images("class token")
    asked = []
    found = leaderboard(model, inputs, torch.zeros(2).long(), cancelled=lambda: asked.append(1) or len(asked) > 3)
    assert found.lost.isnan().tolist() == [[False, False], [False, True]]


@pytest.mark.parametrize("name", ["mean", "class token"])
def test_the_smallest_numbers_are_found_by_trying_each(name):
    model, inputs = model_and_images(name, count=6)
    target = model(inputs).argmax(1)
    order = ranked(occlusion(model, inputs, target))
    keeping, flipping = (f(model, inputs, target, order) for f in (smallest_keeping, smallest_flipping))
    for image in range(6):
        for found, is_kept, wanted in ((keeping, True, True), (flipping, False, False)):
            hits = []
            for count in range(17):
                chosen = torch.full((1, 1, 16), not is_kept)
                chosen[0, 0, order[image, :count]] = is_kept
                top = answers(model, inputs[image : image + 1], chosen)[0, 0].argmax()
                hits.append(bool(top == target[image]) == wanted)
            assert found[image] == (hits.index(True) if any(hits) else None)


def test_what_never_happens_is_none():
    model, inputs = model_and_images("mean")
    with torch.no_grad():
        model.head.bias[2] = 1e6
    order = torch.arange(16).expand(2, -1)
    assert smallest_keeping(model, inputs, 0, order) == [None, None]
    assert smallest_flipping(model, inputs, 2, order) == [None, None]
    assert smallest_keeping(model, inputs, Contrast(2, 0), order) == [0, 0]


@pytest.mark.parametrize("name", ["class token and registers", "mean"])
def test_a_mean_over_one_image_puts_back_what_was_there(name):
    model, inputs = model_and_images(name, count=1)
    mean, none = means(model, inputs), torch.zeros(1, model.config.depth, 1, dtype=torch.float64)
    heads = Changes(head_scale=none.expand(-1, -1, model.config.num_heads), head_fill=mean.heads)
    branches = Changes(block_scale=none.expand(-1, -1, 2), block_fill=mean.branches)
    for changes in (heads, branches):
        assert torch.allclose(ablate(model, inputs, changes), model(inputs), atol=1e-10)


def test_a_mean_is_taken_over_all_images_whatever_the_batches(monkeypatch):
    model, inputs = model_and_images("mean", count=5)
    together = means(model, inputs)
    monkeypatch.setattr(ablation, "BATCH_SIZE", 2)
    assert torch.allclose(means(model, inputs).branches, together.branches, atol=1e-12)
    steps = list(walk(model, model.embed(inputs)))
    assert torch.allclose(together.heads[1], steps[1].heads.mean(0), atol=1e-12)
