"""The lens on the page shows the engine's numbers, for class tokens and for means, for classes and for contrasts."""

import pytest
import torch
from worlds import saved, written_run

from pages.attention import look
from pages.attention.subject import Subject
from pages.shared import answers, input_images, models
from vit.data.shapes import CLASSES
from vit.explain.internals import direct_logit_attribution, logit_lens, pooled_lens
from vit.explain.target import Contrast, logit, probability

IMAGE = "shapes:test:5"


def subject_of(contrast: int | None = None, **config) -> Subject:
    """An image before a model of some kind."""
    saved(written_run("wise-wolf"), 1000, **config)
    answer = answers.ask("wise-wolf", input_images.find(IMAGE))
    return Subject(answer, models.info("wise-wolf"), target=2, contrast=contrast)


@pytest.mark.parametrize("config", [{"pool": "cls", "reg_tokens": 2}, {"pool": "mean"}], ids=["class token", "mean"])
@pytest.mark.parametrize("contrast", [None, 4])
def test_the_page_shows_the_engines_numbers(config, contrast):
    subject = subject_of(contrast, **config)
    model, target = models.predictor(subject.model).model, 2 if contrast is None else Contrast(2, contrast)
    every = logit_lens(model, subject.trace)[:, 0, subject.trace.num_prefix_tokens :]
    sent = look.lens_data(subject)
    assert [row["shares"] for row in sent["patches"]] == [
        pytest.approx(row, rel=1e-3) for row in probability(every, target).tolist()
    ]
    assert [row["tops"] for row in sent["patches"]] == every.argmax(-1).tolist()
    whole = pooled_lens(model, subject.trace)
    assert [row["tops"][0] for row in sent["whole"]] == whole[:, 0].argmax(-1).tolist()
    assert sent["whole"][-1]["topShares"][0] == pytest.approx(max(subject.answer.prediction.probabilities), rel=1e-3)


@pytest.mark.parametrize("config", [{"pool": "cls"}, {"pool": "mean", "num_heads": 1}], ids=["class token", "mean"])
def test_the_bars_together_are_the_logit(config):
    subject = subject_of(**config)
    parts = look.lens_data(subject)["parts"]
    added = sum(map(sum, parts["layers"])) + parts["embedding"] + parts["end"]
    own = float(logit(subject.trace.logits, 2))
    assert added == pytest.approx(own, abs=1e-3)
    assert parts["total"] == pytest.approx(own, abs=0.006)
    predictor = models.predictor(subject.model)
    inputs = predictor.inputs([subject.answer.prediction.seen])
    heads = direct_logit_attribution(predictor.model, inputs, 2).heads[0]
    assert torch.allclose(torch.tensor(parts["layers"])[:, : heads.shape[-1]], heads)


def test_when_the_answer_is_found_is_said():
    subject = subject_of()
    whole = torch.tensor([[[0.0, 1, 0]], [[0, 0, 1]], [[0, 0, 2]]])
    assert look.summary(subject, whole) == f"The answer is {CLASSES[2]} from layer 0 onwards."
    assert look.summary(subject, whole[1:]) == f"The answer is {CLASSES[2]} even before the first layer."
