"""The shipped models warn about noise and a screenshot, not about the photographs that come along."""

import pytest
from image_files import encode, noise, screenshot
from seen import text_of
from test_screen_predict import uploaded
from worlds import saved, written_run

from vit import models, paths, samples

SHIPPED = paths.PROJECT / "checkpoints" / "pretrained"
NAMES = sorted(path.parent.name for path in SHIPPED.glob(f"*/{models.SHIPPED_FILE}"))
SENTENCE = "unlike anything that"


@pytest.fixture(autouse=True)
def shipped(empty_home, monkeypatch):
    monkeypatch.setattr("vit.paths.pretrained_root", lambda: SHIPPED)


@pytest.mark.parametrize("name", NAMES)
def test_noise_and_a_screenshot_are_warned_about_and_the_photographs_are_not(visit, name):
    photographs = [sample for sample in samples.list_samples() if sample.credit != samples.DRAWN]
    named = [(sample.path.name, sample.path.read_bytes()) for sample in photographs]
    named += [("noise.png", encode(noise())), ("screenshot.png", encode(screenshot()))]
    app = uploaded(visit, *named, model=name)
    table = app.dataframe[0].value
    assert list(table["file"]) == [name for name, _ in named]
    assert [bool(problem) for problem in table["problem"]] == [False] * 5 + [True] * 2


def test_one_unusual_image_gets_a_sentence_with_its_false_alarms(visit):
    app = uploaded(visit, ("noise.png", encode(noise())))
    assert SENTENCE in app.warning[0].value
    assert "Of 100 ordinary validation images, 5 get this warning, too." in app.warning[0].value


def test_a_sample_gets_no_warning_and_its_raw_confidence_on_request(visit):
    app = visit("predict", image="sample:cat")
    assert SENTENCE not in text_of(app)
    calibrated = app.main.progress[0].proto.text
    for raw in (app.toggle(key="raw").set_value(True).run(), visit("predict", image="sample:cat", raw="true")):
        assert not raw.exception
        assert raw.main.progress[0].proto.text != calibrated


def test_a_model_that_nobody_measured_says_so_beside_one_that_was(visit):
    saved(written_run("wise-wolf"), 1000)
    app = visit("predict", image="sample:cat", model=NAMES[0], compare="wise-wolf")
    assert "Raw confidence: this model was not evaluated" in text_of(app)
    app = visit("predict", model="wise-wolf")
    assert "This is the raw confidence, without warnings" in text_of(app)
    assert [toggle.key for toggle in app.toggle] == ["mirrored", "nearest"]
