"""The strip of nearest training images, and what is said where it can't be there yet."""

import numpy as np
import pytest
import safetensors.numpy
from seen import text_of

from vit import files, jobs, models, nearest
from vit.data import catalog
from vit.evaluation.directory import digest_of


@pytest.fixture
def index(model, monkeypatch) -> nearest.Index:
    """Of a model that says it was trained on the shapes."""
    made = nearest.Index(model, digest_of(models.resolve(model)), catalog.SHAPES)
    monkeypatch.setattr(nearest, "of", lambda name: made)
    return made


def labels(app) -> list[str]:
    return [button.label for button in app.button]


def test_nothing_is_shown_unless_it_is_asked_for(visit, index):
    assert "Compute" not in labels(visit("predict", model=index.model))


def test_without_the_data_there_is_a_sentence_and_a_way_on(visit, model):
    app = visit("predict", model=model, nearest="true")
    assert "was trained on (shapes) is not on this machine" in text_of(app)
    assert "Add data" in [link.proto.label for link in app.get("page_link")]


def test_what_is_not_computed_yet_is_one_button_away(visit, index, monkeypatch):
    started = []
    monkeypatch.setattr(jobs, "start", lambda *words: started.append(words))
    app = visit("predict", model=index.model, nearest="true")
    assert "once, in the background" in text_of(app)
    app.button(key="nearest-start").click().run()
    assert not app.exception
    assert started == [("nearest", index.job_name, "vit.nearest", index.model, "shapes")]


def test_a_job_that_failed_says_why(visit, index):
    files.make_folder(jobs.folder())
    jobs.write(jobs.Job(index.job_name, "nearest", "failed", error="the *disk* is full"))
    app = visit("predict", model=index.model, nearest="true")
    assert app.error[0].value == "the \\*disk\\* is full"


def test_the_strip_shows_label_and_similarity(visit, index):
    rows = np.random.default_rng(0).normal(size=(20, 16))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    files.make_folder(index.path.parent)
    arrays = {"features": rows.astype(np.float16), "places": np.arange(20)}
    files.write_bytes(index.path, safetensors.numpy.save(arrays))
    app = visit("predict", model=index.model, nearest="true")
    shown = [caption.value for caption in app.caption if " · 0." in caption.value]
    assert len(shown) == 8
    assert shown[0].split(" · ")[0] in catalog.SHAPES.classes
    values = [float(words.split(" · ")[1]) for words in shown]
    assert values == sorted(values, reverse=True)
