"""Ablate: what is switched off reaches the model, what it says comes back, and long work can be cancelled."""

from dataclasses import replace

import pytest
import torch
from builders import model_info, vision_transformer
from builders import random_inputs as inputs_of
from PIL import Image
from seen import text_of
from worlds import saved, written_run

from pages.attention import ablate, ranking, switches
from pages.attention.ranking import Job
from pages.attention.subject import Subject
from pages.attention.switches import Switches
from pages.shared import answers, input_images, models
from vit.data import catalog
from vit.errors import DataError
from vit.explain import ablation
from vit.explain.ablation import Leaderboard
from vit.explain.trace import Changes
from vit.images import DecodedImage
from vit.predict import Predictor

IMAGE = "shapes:test:5"


@pytest.fixture
def subject():
    saved(written_run("wise-wolf"), 1000)
    answer = answers.ask("wise-wolf", input_images.find(IMAGE))
    return Subject(answer, models.info("wise-wolf"), target=2, contrast=None)


def probabilities(subject: Subject, **changes) -> list[float]:
    """What the engine says, asked directly."""
    predictor = models.predictor(subject.model)
    inputs = predictor.inputs([subject.answer.prediction.seen])
    return ablation.ablate(predictor.model, inputs, Changes(**changes)).softmax(-1)[0].tolist()


def test_the_tab_shows_its_parts(visit, subject):
    app = visit("attention", tab="Ablate", image=IMAGE)
    assert not app.error
    assert "Fewest patches" in text_of(app)
    assert "changes nothing" in text_of(app)
    assert app.button(key="rank_heads")


def test_nothing_switched_off_is_the_models_own_answer(subject):
    found = switches.outcome(subject, Switches())
    assert found.probabilities == pytest.approx(subject.answer.prediction.probabilities, abs=1e-5)
    assert found.seen.tobytes() == subject.answer.prediction.seen.tobytes()
    assert ablate.verdict(subject, found, found).startswith("Still")


def test_heads_branches_and_patches_are_switched_off_as_the_engine_does(subject):
    heads, branches = torch.ones(1, 2, 2), torch.ones(1, 2, 2)
    heads[0, 1, 0] = branches[0, 0, 1] = 0
    kept = torch.ones(1, 16, dtype=torch.bool)
    kept[0, [3, 7]] = False
    expected = probabilities(subject, head_scale=heads, block_scale=branches, key_mask=kept)
    found = switches.outcome(subject, Switches(heads=((1, 0),), branches=((0, 1),), patches=(3, 7)))
    assert found.probabilities == pytest.approx(expected)
    assert found.probabilities != pytest.approx(subject.answer.prediction.probabilities, abs=1e-3)


@pytest.mark.parametrize("edit", ["paint", "blur", "shuffle"])
def test_an_edited_image_is_what_the_model_gets(subject, edit):
    found = switches.outcome(subject, Switches(patches=(0, 1, 5), edit=edit))
    assert found.seen.tobytes() != subject.answer.prediction.seen.tobytes()
    predictor = models.predictor(subject.model)
    again = predictor.predict([("a", DecodedImage(found.seen, None))])[0]
    assert again.probabilities == pytest.approx(found.probabilities, abs=0.05)  # its pixels are rounded to bytes


def test_what_another_model_does_not_have_is_left_out(subject):
    raw = {"heads": [[0, 1], [9, 0], [0, -1]], "branches": [[1, 1], [1, 5]], "patches": [2, 99, -1], "edit": "burn"}
    assert switches.parse(subject, raw) == Switches(heads=((0, 1),), branches=((1, 1),), patches=(2,))


def test_switched_parts_give_a_share_of_themselves(subject):
    raw = {"heads": [[1, 0]], "branches": [[0, 1]], "how": "scaled", "percent": 150}
    heads, branches = torch.ones(1, 2, 2), torch.ones(1, 2, 2)
    heads[0, 1, 0] = branches[0, 0, 1] = 1.5
    found = switches.outcome(subject, switches.parse(subject, raw))
    assert found.probabilities == pytest.approx(probabilities(subject, head_scale=heads, block_scale=branches))
    assert switches.parse(subject, raw | {"percent": 999}).percent == switches.MOST_PERCENT
    assert switches.parse(subject, raw | {"how": "zero"}).percent == 0


def test_switched_parts_give_their_mean_over_test_images(subject):
    found = switches.outcome(subject, Switches(heads=((1, 0),), how="mean"))
    predictor = models.predictor(subject.model)
    drawn = catalog.samples("shapes", "test", switches.MEAN_IMAGES)
    mean = ablation.means(predictor.model, predictor.inputs([predictor.see(sample.image) for sample in drawn]))
    scale = torch.ones(1, 2, 2)
    scale[0, 1, 0] = 0
    inputs = predictor.inputs([subject.answer.prediction.seen])
    expected = ablation.ablate(predictor.model, inputs, Changes(head_scale=scale, head_fill=mean.heads))
    assert found.probabilities == pytest.approx(expected.softmax(-1)[0].tolist())
    assert found.probabilities != pytest.approx(switches.outcome(subject, Switches(heads=((1, 0),))).probabilities)


def test_a_mean_is_offered_only_where_there_are_images_of_the_models_classes(subject):
    stranger = replace(subject, info=replace(subject.info, classes=("spam", "eggs")))
    assert "mean" in switches.hows(subject)
    assert "mean" not in switches.hows(stranger)
    assert switches.parse(stranger, {"how": "mean"}).how == "zero"


def test_bars_keep_their_order_and_say_both_numbers(subject):
    found = switches.outcome(subject, Switches(heads=((1, 0), (1, 1))))
    rows = ablate.bars(subject, switches.outcome(subject, Switches()), found)
    assert [row["before"] for row in rows] == sorted((row["before"] for row in rows), reverse=True)
    assert sum(row["asked"] for row in rows) == 1
    assert all("→" in row["text"] for row in rows)


def test_a_head_that_supports_the_class_is_red_and_one_that_opposes_it_is_blue():
    (supports, opposes), _ = ablate.tints(torch.tensor([[-0.3, 0.3], [0.0, 0.1]]))
    assert (supports["text"], opposes["text"]) == ("-30", "+30")
    red, _, blue = (int(part) for part in supports["color"][4:-1].split(","))
    assert red > blue
    red, _, blue = (int(part) for part in opposes["color"][4:-1].split(","))
    assert blue > red


def test_dropped_patches_are_dark_and_the_others_are_not():
    shown = ablate.blackened(Image.new("RGB", (16, 16), "white"), (1,), 4, 16)
    assert shown.getpixel((6, 2)) < (60, 60, 60)
    assert shown.getpixel((2, 2)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, "No number"),
        (0, "The model would predict cat without"),
        (1, "The first 1 of 9 patches is"),
        (3, "The first 3 of 9 patches are"),
    ],
)
def test_how_many_are_enough_is_a_sentence(count, words):
    assert ablate.enough_words(count, 9, "cat").startswith(words)


@pytest.mark.parametrize("count", [None, 0, 1, 3])
def test_the_fewest_patches_of_a_contrast_speak_of_both_classes(count):
    """They are those for which one class beats the other; a third one may be the answer."""
    for words in (ablate.enough_words, ablate.fatal_words):
        sentence = words(count, 9, "cat", "dog")
        assert "find cat more likely than dog" in sentence
        assert "predict" not in sentence


def test_the_ranking_is_the_engines_on_the_data_sets_test_images(subject, monkeypatch):
    monkeypatch.setattr(ranking, "IMAGES", 20)
    job = Job()
    board = ranking.measure(models.predictor(subject.model), "shapes", job)
    assert (job.done, job.total) == (4, 4)
    assert board.lost.isfinite().all()
    rows = ranking.rows_of(board)
    assert [row["lost"] for row in rows] == sorted((row["lost"] for row in rows), reverse=True)


def test_a_cancelled_ranking_keeps_what_was_measured(subject, monkeypatch):
    monkeypatch.setattr(ranking, "IMAGES", 20)
    job = Job()
    job.progress = lambda done, total: job.cancel.set() if done == 3 else None
    assert len(ranking.rows_of(ranking.measure(models.predictor(subject.model), "shapes", job))) == 3


def test_the_table_starts_with_the_head_that_costs_most():
    rows = ranking.rows_of(
        Leaderboard(0.8, torch.tensor([[0.01, 0.2], [-0.02, torch.nan]]), torch.full((2, 2), 0.015), 500)
    )
    assert [row["head"] for row in rows] == ["layer 0, head 1", "layer 0, head 0", "layer 1, head 0"]
    assert rows[0]["without"] == pytest.approx(0.6)
    assert [row["margin"] for row in rows] == pytest.approx([1.5] * 3)


def test_a_job_runs_once_however_often_it_is_started_and_can_be_cancelled():
    job, begun = Job(), []

    def work(running: Job) -> str:
        begun.append(1)
        running.cancel.wait(10)
        return "stopped"

    job.start(work)
    job.start(work)
    assert job.is_running
    job.cancel.set()
    job.thread.join()
    assert (len(begun), job.result, job.problem, job.is_running) == (1, "stopped", None, False)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DataError("pets is gone: import it again"), "pets is gone: import it again"),
        (RuntimeError("a fault of ours"), ranking.UNEXPECTED),
    ],
    ids=["a person's mistake", "a fault of ours"],
)
def test_what_goes_wrong_in_a_job_is_a_sentence(error, sentence):
    def work(running: Job) -> None:
        raise error

    job = Job()
    job.start(work)
    job.thread.join()
    assert (job.problem, job.result) == (sentence, None)


def test_the_image_behind_inputs_is_the_image_that_made_them():
    model = vision_transformer()
    predictor = Predictor(model, model_info(model))
    seen = predictor.image(inputs_of(model))
    assert predictor.image(predictor.inputs([seen])).tobytes() == seen.tobytes()
