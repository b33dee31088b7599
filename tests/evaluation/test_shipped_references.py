"""What the shipped models bring along to judge pictures without their training data."""

import numpy as np
import pytest
from image_files import screenshot
from PIL import Image

from vit import images, models, samples
from vit.evaluation import directory, reference
from vit.evaluation.forward import ask
from vit.predict import Predictor

pytestmark = pytest.mark.parametrize("name", models.shipped())


def noise(side: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8))


def test_noise_and_a_screenshot_are_warned_about_and_the_photographs_are_not(name):
    predictor, known = Predictor.load(name), reference.find(name)
    photographs = [sample for sample in samples.list_samples() if sample.credit != samples.DRAWN]
    pictures = [images.read(sample.path).image for sample in photographs]
    _, seen = ask(predictor, [*pictures, noise(32), noise(224), screenshot()])
    assert known.detector.is_unusual(seen).tolist() == [False] * 5 + [True] * 3


def test_a_reference_is_small_and_belongs_to_the_weights_beside_it(name):
    path = models.resolve(name)
    place = path.with_name(reference.SHIPPED_FILE)
    assert place.stat().st_size < 300_000
    assert reference.read(place).description.digest == directory.digest_of(path)


def test_the_answer_is_that_of_predict(name):
    predictor = Predictor.load(name)
    picture = images.read(samples.list_samples()[0].path)
    logits, _ = ask(predictor, [picture.image])
    shares = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert shares == pytest.approx(predictor.predict([("dog", picture)])[0].probabilities, abs=1e-5)
