"""Weights: positions, filters, distances and lengths, for every kind of model."""

import numpy as np
import pytest
import torch
from seen import text_of
from worlds import saved, written_run

from pages.attention import weights
from pages.attention.subject import Subject
from pages.shared import answers, input_images, models
from vit.explain.internals import position_similarity
from vit.plots import filters

IMAGE = "shapes:test:5"
KINDS = [
    {"pool": "cls"},
    {"pos_embed": "none"},
    {"pos_embed": "rope", "pool": "cls"},
    {"pos_embed": "sincos2d", "reg_tokens": 3},
    {"stem": "conv"},
    {"depth": 1, "num_heads": 1},
]


@pytest.mark.parametrize("tab", ["Look", "Why", "Ablate", "Weights"])
@pytest.mark.parametrize("config", KINDS, ids=str)
def test_every_kind_of_model_is_shown_in_every_tab(visit, tab, config):
    saved(written_run("wise-wolf"), 1000, **config)
    app = visit("attention", tab=tab, image=IMAGE)
    assert not app.error


@pytest.mark.parametrize("tab", ["Look", "Ablate", "Weights"])
def test_a_model_of_a_single_patch_is_shown_where_there_is_something_to_show(visit, tab):
    saved(written_run("wise-wolf"), 1000, image_size=4)
    app = visit("attention", tab=tab, image=IMAGE)
    assert not app.error


@pytest.mark.parametrize(
    ("kind", "words"), [("none", "has no position embeddings"), ("rope", "rotate queries and keys")]
)
def test_a_model_without_position_embeddings_says_so(visit, kind, words):
    saved(written_run("wise-wolf"), 1000, pos_embed=kind)
    app = visit("attention", tab="Weights", image=IMAGE)
    assert words in text_of(app)


def test_every_pair_of_positions_is_sent(model):
    subject = Subject(answers.ask(model, input_images.find(IMAGE)), models.info(model), 0, None)
    wanted = position_similarity(models.predictor(model).model)
    sent = weights.positions_data(subject, wanted)
    assert torch.allclose(torch.tensor(sent["similarity"]), wanted, atol=1e-3)
    assert (sent["scale"]["low"], sent["scale"]["high"]) == (-1, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_filter_of_zeros_is_gray_and_a_sheet_holds_all(channels):
    gray = np.asarray(filters.tile(np.zeros((channels, 3, 3)), 9))
    assert (gray == 128).all()
    sheet = filters.sheet(np.random.default_rng(0).normal(size=(9, channels, 3, 3)), 10)
    assert sheet.size == (7 * 14 - 4, 2 * 14 - 4)


def test_the_largest_weight_of_a_filter_is_black_or_white():
    values = np.array([[[0.0, -2.0], [1.0, 0.5]]])
    pixels = np.asarray(filters.tile(values, 2))[..., 0]
    assert pixels[0, 1] == 0
    assert pixels[1, 0] == pytest.approx(191, abs=1)
