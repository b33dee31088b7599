"""Every right way to write an exercise is right, and a typical mistake gets the hint that fits."""

from collections import Counter

import pytest
import torch
from builders import random_inputs, vision_transformer
from solutions import ATTENTION, RIGHT, WRONG

from vit.learn.exercises import attention, block, code, judge, patch_embed, position, tasks
from vit.learn.exercises.tasks import BY_SLUG, IMPORTS
from vit.learn.exercises.verdict import Verdict


def judged(exercise: str, solution: str) -> Verdict:
    task = BY_SLUG[exercise]
    return judge.judge(task, code.load(IMPORTS + solution, task))


def layer(module) -> tuple[torch.Tensor, torch.Tensor]:
    return module.weight, module.bias


@torch.no_grad()
def test_the_references_compute_what_the_model_does():
    model = vision_transformer(pool="cls").double()
    config, first, images = model.config, model.blocks[0], random_inputs(model).double()
    patches = patch_embed.embed({"proj": layer(model.patch_embed.proj)}, images, config.patch_size, 3, config.embed_dim)
    learned = {"cls_token": (model.cls_token, None), "pos_embed": (model.pos_embed, None)}
    tokens = position.embed(learned, patches)
    own = {"qkv": layer(first.attn.qkv), "proj": layer(first.attn.proj)}
    whole = {**own, "norm1": layer(first.norm1), "norm2": layer(first.norm2)}
    whole |= {"fc1": layer(first.mlp.fc1), "fc2": layer(first.mlp.fc2)}
    size = (config.embed_dim, config.num_heads)
    blocked = block.FORMS[0].compute(whole, tokens, *size, config.mlp_dim)
    for found, expected in (
        (patches, model.patch_embed(images)),
        (tokens, model.embed(images)),
        (attention.attend(own, tokens, *size), first.attn(tokens)),
        (blocked, first(tokens)),
    ):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("exercise", "solution"),
    [(name, text) for name, texts in RIGHT.items() for text in texts],
    ids=lambda value: value[:20],
)
def test_a_right_solution_passes_however_it_is_written(exercise, solution):
    found = judged(exercise, solution)
    assert (found.passed, found.hint) == (True, "")
    assert len(found.checks) == 5


@pytest.mark.parametrize(("exercise", "key", "solution", "right", "wrong"), WRONG, ids=lambda value: value[:20])
def test_a_typical_mistake_is_named(exercise, key, solution, right, wrong):
    assert solution.count(right) >= 1
    found = judged(exercise, solution.replace(right, wrong))
    assert not found.passed
    assert found.mistake == key, found.hint
    assert found.hint


def test_every_exercise_knows_more_than_eight_mistakes():
    assert set(RIGHT) == set(BY_SLUG)
    kinds = Counter(exercise for exercise, _ in {(exercise, key) for exercise, key, *_ in WRONG})
    assert min(kinds[exercise] for exercise in BY_SLUG) > 8


def test_an_unknown_mistake_is_told_by_how_far_it_is_off():
    found = judged("attention", ATTENTION.replace("self.proj(x)", "self.proj(x) * 1.01"))
    assert found.mistake == ""
    assert "differ from the reference by up to" in found.hint


def test_the_skeletons_are_not_solutions_and_are_not_blamed():
    for task in tasks.TASKS:
        found = judge.judge(task, code.load(task.skeleton, task))
        assert found.mistake in ("no-weights", "unwritten")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(:", "Line 1: this is not Python"),
        ("import torch\nimport os", "Line 2: `import os` was stopped"),
        ("from subprocess import run", "`import subprocess` was stopped"),
        ("().__class__.__base__", "`__base__` was stopped"),
        ("eval('1')", "`eval` was stopped"),
        ("x = 1", "There is no class called `Attention`"),
    ],
)
def test_what_may_not_be_written_is_told_with_its_line(text, words):
    with pytest.raises(code.CodeError, match=words.replace("(", r"\(")):
        code.load(text, tasks.ATTENTION)


def test_a_variable_may_have_the_name_of_something_that_is_not_available():
    text = ATTENTION.replace("forward(self, x)", "forward(self, input)").replace(
        "B, N, D = x", "x = input\n        B, N, D = x"
    )
    assert judged("attention", text).passed
