"""How often the warning is a false alarm is what was measured here, on test where somebody has evaluated it."""

import numpy as np

from vit import files
from vit.evaluation import directory
from vit.evaluation.calibration import Temperature
from vit.evaluation.parts import Unusual
from vit.evaluation.reference import Reference
from vit.evaluation.unusual import Detector, Gaussian
from vit.judge import FalseAlarms, false_alarms

NOTHING = Gaussian(np.zeros((1, 2)), np.eye(2), 0.0, 1.0)
KNOWN = Reference.of("digest", Temperature(), Detector(NOTHING, NOTHING, 1.0), 30)


def test_without_an_evaluation_it_is_the_share_of_the_validation_images(model):
    assert false_alarms(model, KNOWN) == FalseAlarms(0.05, "validation")


def write(model: str, colors, part: Unusual) -> None:
    evaluation = directory.find(model, colors, "test")
    files.make_folder(evaluation.path)
    evaluation.write("unusual", part)


def test_after_an_evaluation_on_test_it_is_the_share_of_those(model, colors):
    write(model, colors, Unusual(scores=(0.0, 1.5, 2.5, 0.5), threshold=1.0))
    assert false_alarms(model, KNOWN) == FalseAlarms(0.5, "test")


def test_an_evaluation_that_knows_no_scores_says_nothing(model, colors):
    write(model, colors, Unusual(note="no data"))
    assert false_alarms(model, KNOWN).split == "validation"
