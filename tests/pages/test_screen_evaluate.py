"""Evaluate: the button that makes an evaluation, and what its tabs show of one."""

import time

import numpy as np
import pytest
from seen import text_of
from worlds import saved, written_run

from pages.evaluate import confusion
from vit import files, jobs
from vit.data import catalog
from vit.data.shapes import CLASSES
from vit.evaluation import directory, predictions, starting
from vit.evaluation.directory import Evaluation
from vit.evaluation.parts import Corrupted, ImageMap, Other, Robustness, Suspects, Unusual
from vit.evaluation.predictions import Predictions

IMAGES = 60
ROUND_TRIP = {"model": "wise-wolf", "data": "shapes", "split": "test"}


def evaluated(model: str, seed: int = 0, is_complete: bool = True) -> Evaluation:
    """An evaluation of a model on test, written by hand; about half of the answers are right."""
    evaluation = directory.find(model, catalog.describe("shapes"), "test")
    rng = np.random.default_rng(seed)
    labels = np.array([sample.label for sample in catalog.load_images("shapes", "test", list(range(IMAGES)))])
    logits = rng.normal(size=(IMAGES, len(CLASSES))) + 2 * np.eye(len(CLASSES))[labels]
    files.make_folder(evaluation.path)
    made = Predictions(logits.astype(np.float32), rng.normal(size=(IMAGES, 4)), labels, np.arange(IMAGES))
    predictions.write(evaluation.predictions_path, made)
    if is_complete:
        others = (Other(name="noise", images=5, auroc=0.987, warned=0.8),)
        evaluation.write("unusual", Unusual(scores=tuple(range(IMAGES)), threshold=57.5, others=others))
        evaluation.write("suspects", Suspects(rows=(7, 3), suggested=(1, 2), quality=(0.1, 0.2), num_issues=2))
        evaluation.write("map", ImageMap(rows=(0, 1, 2), x=(0, 1, 2), y=(2, 0, 1)))
        rows = tuple(Corrupted(kind="blur", strength=s, setting=s, accuracy=1 / s) for s in range(1, 6))
        evaluation.write("robustness", Robustness(images=IMAGES, clean=1, corrupted=rows))
    return evaluation


def opened(visit, evaluation: Evaluation, tab: str, **query: str):
    return visit("evaluate", **ROUND_TRIP, opened=evaluation.identity.key, tab=tab, **query)


def answers(evaluation: Evaluation) -> Predictions:
    return predictions.read(evaluation.predictions_path)


def links(app) -> list:
    return [link.proto for link in app.main.get("page_link") if link.proto.label == "Attention"]


def test_a_first_visit_is_one_sentence_and_one_action_that_says_how_often_test_was_seen(visit, model):
    app = visit("evaluate")
    assert [button.label for button in app.main.button if button.key == "evaluate"] == [
        "Evaluate on test (looked at 0 times before)"
    ]
    assert "2,000 images of test that it was not trained on" in text_of(app)
    assert not app.main.tabs


def test_results_on_test_are_opened_on_purpose_and_that_is_counted(visit, model):
    evaluation = evaluated(model)
    app = visit("evaluate", **ROUND_TRIP)
    assert not app.main.tabs
    app.button(key="open").click().run()
    assert not app.exception
    assert directory.looks(evaluation) == 1
    assert app.query_params["opened"] == evaluation.identity.key
    assert app.metric[0].label == "Accuracy"
    app.run()
    assert directory.looks(evaluation) == 1


def test_the_summary_has_the_figures_of_the_predictions(visit, model):
    evaluation = evaluated(model)
    app = opened(visit, evaluation, "Summary")
    found = answers(evaluation)
    right = int((found.predicted == found.labels).sum())
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Accuracy"] == f"{right / IMAGES:.2%}"
    assert shown["Right"] == f"{right} of {IMAGES}"
    assert list(app.dataframe[0].value["Class"]) == list(CLASSES)


def test_a_cell_in_the_address_shows_its_images_with_links_that_name_each(visit, model):
    evaluation = evaluated(model)
    found = answers(evaluation)
    true, given = divmod(int(np.bincount(found.labels * 10 + found.predicted).argmax()), 10)
    app = opened(visit, evaluation, "Confusion", true=CLASSES[true], given=CLASSES[given])
    rows = np.flatnonzero((found.labels == true) & (found.predicted == given))
    assert f"{len(rows)} image" in text_of(app)
    named = {link.query_string for link in links(app)}
    assert named == {f"model=wise-wolf&image=shapes%3Atest%3A{row}" for row in rows}


def test_without_a_choice_the_most_frequent_mistake_is_opened(visit, model):
    evaluation = evaluated(model)
    found = answers(evaluation)
    app = opened(visit, evaluation, "Confusion")
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (found.labels, found.predicted), found.labels != found.predicted)
    assert len(links(app)) == counts.max()


def test_of_many_classes_those_with_most_mistakes_are_shown():
    counts = np.eye(60, dtype=int) * 100
    counts[3, 50] = 5
    counts[59, 7] = 1
    shown = confusion.most_confused(counts)
    assert len(shown) == confusion.MOST_CLASSES
    assert {3, 7, 50, 59} < set(shown)
    assert shown == sorted(shown)
    assert confusion.most_confused(counts[:10, :10]) == list(range(10))


@pytest.mark.parametrize("gallery", ["mistakes", "uncertain", "sure"])
def test_each_gallery_shows_its_first_page(visit, model, gallery):
    app = opened(visit, evaluated(model), "Gallery", gallery=gallery)
    assert len(links(app)) == 12


def test_what_is_warned_about_and_what_may_be_labeled_wrong(visit, model):
    evaluation = evaluated(model)
    app = opened(visit, evaluation, "Unusual")
    assert "it warns about 3.3%" in text_of(app)
    assert links(app)[0].query_string.endswith(f"test%3A{IMAGES - 1}")
    app = opened(visit, evaluation, "Label suspects")
    assert [link.query_string[-1] for link in links(app)] == ["7", "3"]
    assert f"looks like {CLASSES[1]}" in text_of(app)


def test_a_point_of_the_map_in_the_address_is_shown_beside_it(visit, model):
    app = opened(visit, evaluated(model), "Map", row="2")
    assert [link.query_string[-1] for link in links(app)] == ["2"]


def test_two_models_are_compared_on_the_images_on_which_they_differ(visit, model):
    first = evaluated(model)
    saved(written_run("calm-cat"), 500, seed=3)
    second = answers(evaluated("calm-cat", seed=1))
    own = answers(first)
    app = opened(visit, first, "Compare", against="calm-cat", differ="Only the other model is right")
    only = (second.predicted == own.labels) & (own.predicted != own.labels)
    assert f"{only.sum()} images, those on which" in text_of(app)
    assert len(links(app)) == min(12, only.sum())
    assert "p = " in text_of(app)


def test_a_running_evaluation_shows_its_progress_and_cancel_after_a_reload(visit, model):
    evaluation = evaluated(model, is_complete=False)
    files.make_folder(jobs.folder())
    name = starting.job_name(evaluation)
    job = jobs.Job(name, "evaluate", "running", 5, 20, "images", 1.0, "looking for wrong labels", started=time.time())
    jobs.write(job)
    app = opened(visit, evaluation, "Label suspects")
    assert [bar.proto.text for bar in app.main.get("progress") if "Looking" in bar.proto.text] == [
        "Looking for wrong labels · 5 of 20 images · 15 s left"
    ]
    assert app.button(key=f"cancel-{name}").label == "Cancel"
    assert "appears here when it is ready" in text_of(app)


def test_an_evaluation_whose_process_died_says_so_above_the_button(visit, model):
    name = starting.job_name(directory.find(model, catalog.describe("shapes"), "test"))
    files.make_folder(jobs.folder())
    jobs.write(jobs.Job(name, "evaluate", "running", 5, 20, "images", 1.0, "predicting", started=0.0))
    app = visit("evaluate", model=model, split="test")
    assert "was interrupted" in app.info[0].value
    assert not app.button(key="evaluate").disabled


def test_parts_that_were_not_made_can_be_made_later(visit, model):
    app = opened(visit, evaluated(model, is_complete=False), "Summary")
    assert "Not made yet: unusual images, label suspects." in text_of(app)
    assert app.button(key="continue").label == "Continue"


@pytest.mark.parametrize(("tab", "extra"), [("Map", "map"), ("Summary", "robustness")])
def test_what_takes_longer_is_started_by_a_button_and_then_has_a_cancel(visit, model, monkeypatch, tab, extra):
    evaluation, started = evaluated(model), []
    evaluation.part_path(extra).unlink()
    monkeypatch.setattr("vit.processes.spawn", lambda *words, log: started.append(words))
    app = opened(visit, evaluation, tab)
    app.button(key=f"make-{extra}").click().run()
    assert not app.exception
    assert started == [("vit.evaluation.job", "wise-wolf", "shapes", "test", extra)]
    assert app.button(key=f"cancel-{starting.job_name(evaluation, extra)}").label == "Cancel"
    assert directory.looks(evaluation) == 0


def test_a_model_that_no_data_fits_gets_a_sentence_and_a_way_on(visit, model, monkeypatch):
    monkeypatch.setattr("vit.evaluation.directory.fitting", lambda classes: [])
    app = visit("evaluate")
    assert "No data set on this machine has the classes of this model" in text_of(app)
