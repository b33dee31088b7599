"""Confidence is the temperature's where one was measured, and a warning is the detector's."""

import numpy as np
import pytest
import torch
from builders import model_info, vision_transformer
from image_files import scene
from PIL import Image

from vit.errors import CheckpointError
from vit.evaluation.calibration import Temperature
from vit.evaluation.forward import ask
from vit.evaluation.reference import Reference
from vit.evaluation.unusual import Detector
from vit.explain.trace import trace
from vit.images import DecodedImage
from vit.judge import Judge
from vit.model import VisionTransformer
from vit.predict import Predictor

RNG = np.random.default_rng(0)
NAMED = [
    (f"{seed}", DecodedImage(Image.fromarray(RNG.integers(0, 256, (8, 8, 3), np.uint8)), None)) for seed in range(5)
]
NAMED.append(("scene", DecodedImage(scene(), None)))
COOL = Temperature(coefficients=(-1.0, 0.0, 0.0), largest_margin=1.0)  # divides all logits by e


def predictor() -> Predictor:
    network = vision_transformer()
    return Predictor(network, model_info(network))


def detector(ours: Predictor) -> Detector:
    """One that knows smooth images."""
    known = [scene().rotate(angle) for angle in range(0, 360, 9)]
    seen = ask(ours, known)[1]
    return Detector.fit(seen, np.zeros(len(known), np.int64), seen)


def judge(threshold: float | None = None) -> Judge:
    ours = predictor()
    found = detector(ours)
    if threshold is not None:
        found = Detector(found.features, found.pixels, threshold)
    return Judge(ours, Reference.of("digest", COOL, found, 40))


def test_calibrated_confidence_is_the_softmax_of_logits_over_the_temperature():
    ours = judge()
    plain = ours.predictor.predict(NAMED)
    for one, before in zip(ours.judge(plain), plain, strict=True):
        powers = np.array(before.probabilities) ** np.exp(-1)
        assert one.probabilities == pytest.approx(powers / powers.sum(), abs=1e-5)
        assert one.top(1)[0][0] == before.top(1)[0][0]
        assert one.is_calibrated


def test_raw_confidence_is_that_of_the_model():
    ours = judge()
    plain = ours.predictor.predict(NAMED)
    for one, before in zip(ours.judge(plain, raw=True), plain, strict=True):
        assert one.probabilities == pytest.approx(before.probabilities, abs=1e-5)
        assert not one.is_calibrated


def test_a_model_that_nobody_measured_has_raw_confidence_and_no_warning():
    ours = Judge(predictor(), None)
    for one, before in zip(ours.judge(ours.predictor.predict(NAMED)), ours.predictor.predict(NAMED), strict=True):
        assert one.probabilities == pytest.approx(before.probabilities, abs=1e-5)
        assert (one.is_calibrated, one.is_unusual) == (False, None)


def test_with_the_mirror_image_the_answer_is_the_mean_of_both_logits():
    ours = Judge(predictor(), None)
    inputs = ours.predictor.inputs([image.image for _, image in NAMED[:5]])
    with torch.inference_mode():
        wanted = (ours.predictor.model(inputs) + ours.predictor.model(inputs.flip(3))) / 2
    found = ours.judge(ours.predictor.predict(NAMED[:5]), mirrored=True)
    assert [one.probabilities for one in found] == [pytest.approx(row, abs=1e-5) for row in wanted.softmax(1).tolist()]


def test_mirroring_does_not_change_what_is_called_unusual():
    ours = judge()
    plain = ours.predictor.predict(NAMED)
    assert [one.is_unusual for one in ours.judge(plain)] == [one.is_unusual for one in ours.judge(plain, mirrored=True)]


def test_what_lies_above_the_threshold_is_called_unusual():
    ours = judge()
    noise, known = NAMED[0], NAMED[5]
    assert [one.is_unusual for one in ours.judge(ours.predictor.predict([noise, known]))] == [True, False]
    assert [one.is_unusual for one in judge(1e9).judge(ours.predictor.predict([noise]))] == [False]


def test_what_each_image_gets_does_not_depend_on_the_others():
    ours = judge()
    many = ours.predictor.predict(NAMED * 15)  # more than one batch
    alone = [ours.judge([one])[0] for one in many[:6]]
    for index, one in enumerate(ours.judge(many)):
        assert one.probabilities == pytest.approx(alone[index % 6].probabilities, abs=1e-5)
        assert (one.name, one.is_unusual) == (alone[index % 6].name, alone[index % 6].is_unusual)


@pytest.mark.parametrize("mirrored", [False, True])
def test_features_of_a_trace_spare_a_second_look_and_change_nothing(monkeypatch, mirrored):
    ours = judge()
    plain = ours.predictor.predict(NAMED * 15)  # more than one batch
    wanted = ours.judge(plain, mirrored=mirrored)
    features = trace(ours.predictor.model, ours.predictor.inputs([one.seen for one in plain])).features
    looks, forward = [], VisionTransformer.forward_features
    monkeypatch.setattr(
        VisionTransformer, "forward_features", lambda self, x: (looks.append(len(x)), forward(self, x))[1]
    )
    found = ours.judge(plain, mirrored=mirrored, features=features)
    assert sum(looks) == len(plain) * mirrored
    for one, other in zip(found, wanted, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
        assert one.is_unusual == other.is_unusual


def test_a_model_that_answers_nan_is_refused():
    ours = judge()
    plain = ours.predictor.predict(NAMED)
    ours.predictor.model.head.bias.data.fill_(float("nan"))
    with pytest.raises(CheckpointError, match="NaN"):
        ours.judge(plain)
