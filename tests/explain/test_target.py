"""What is explained is one number per image, made of logits."""

import pytest
import torch

from vit.errors import VitError
from vit.explain.target import Contrast, log_odds, logit, probability, wins

LOGITS = torch.tensor([[1.0, 3.0, -2.0], [0.5, 0.0, 0.25]], dtype=torch.float64)


def test_a_class_is_its_logit_and_a_contrast_a_difference():
    assert logit(LOGITS, 1).tolist() == [3.0, 0.0]
    assert logit(LOGITS, Contrast(1, 0)).tolist() == [2.0, -0.5]
    assert logit(LOGITS, torch.tensor([2, 0])).tolist() == [-2.0, 0.5]


def test_each_image_has_its_own_class_also_behind_many_masks():
    many = torch.stack([LOGITS, LOGITS + 1], dim=1)  # (B, M, K)
    assert logit(many, torch.tensor([2, 0])).tolist() == [[-2.0, -1.0], [0.5, 1.5]]


def test_probabilities_are_softmax_and_of_a_contrast_softmax_of_two():
    assert torch.allclose(probability(LOGITS, 2), LOGITS.softmax(1)[:, 2])
    assert torch.allclose(probability(LOGITS, torch.tensor([2, 0])), LOGITS.softmax(1)[[0, 1], [2, 0]])
    assert torch.allclose(probability(LOGITS, Contrast(0, 2)), LOGITS[:, [0, 2]].softmax(1)[:, 0])


def test_log_odds_tell_apart_what_probabilities_round_to_one():
    sure = torch.tensor([[40.0, 0.0], [60.0, 0.0]])
    assert probability(sure, 0).tolist() == [1.0, 1.0]
    assert log_odds(sure, 0).tolist() == [40.0, 60.0]


def test_the_target_wins_where_it_is_the_answer():
    assert wins(LOGITS, 1).tolist() == [True, False]
    assert wins(LOGITS, Contrast(0, 2)).tolist() == [True, True]


@pytest.mark.parametrize("target", [3, -1, Contrast(0, 7), torch.tensor([0, 3])])
def test_a_class_that_is_not_there_is_named(target):
    with pytest.raises(VitError, match="classes are numbered 0 to 2"):
        logit(LOGITS, target)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_an_answer_that_is_no_number_is_refused(bad):
    with pytest.raises(VitError, match="not a number"):
        logit(torch.tensor([[0.0, bad]]), 0)
