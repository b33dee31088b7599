"""Evolve: a frame per checkpoint, made by that checkpoint, and a film that grows with its run."""

import io
import shutil

import numpy as np
import pytest
from image_files import scene
from PIL import Image
from seen import text_of
from worlds import held, saved, small_saved, written_run

from bench import ship
from pages.attention import evolve
from pages.attention.subject import Subject
from pages.shared import answers, input_images, models
from vit import paths, pinned
from vit.explain import attention
from vit.models import history, resolve
from vit.plots import scale, timelapse
from vit.predict import Predictor

IMAGE = "shapes:test:5"


@pytest.fixture
def run():
    run = written_run("wise-wolf")
    saved(run, 500, seed=1)
    saved(run, 1000)
    return run


@pytest.fixture
def subject(run):
    return Subject(answers.ask(run.id, input_images.find(IMAGE)), models.info(run.id), 2, None)


def film_of(subject, run) -> list[evolve.Frame]:
    return [evolve.frame_of(run.id, entry, subject) for entry in evolve.chosen(run)]


def test_a_run_is_shown_as_a_film(visit, run):
    app = visit("attention", tab="Evolve", model=run.id, image=IMAGE)
    assert not app.error
    assert len(app.get("bidi_component")) == 3  # the images to choose from, the film, and the tab's history
    assert app.get("download_button")


def test_a_shipped_model_brings_the_film_of_its_training(visit, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "pretrained_root", lambda: tmp_path / "shipped")
    run = written_run("calm-crane", test={"accuracy": 0.7, "loss": 1.0})
    for step in (0, 400, 600, 1000):
        small_saved(run, step)
    saved(run, 1000)
    monkeypatch.setattr(ship, "FRAMES", 3)
    ship.ship(run, "shipped-crane")
    assert [saved.step for saved in history("shipped-crane").series()] == [0, 600, 1000]
    assert resolve("shipped-crane@600").is_file()
    app = visit("attention", tab="Evolve", model="shipped-crane", image=IMAGE)
    assert not app.error
    assert app.get("download_button")


def test_a_pinned_image_has_its_film(visit, run):
    app = visit("attention", tab="Evolve", model=run.id, image=f"pinned:{pinned.pin('mine', scene(), 'mine.png')}")
    assert not app.error
    assert "mine.png" in text_of(app)
    assert app.get("download_button")


def test_a_run_with_a_single_checkpoint_says_that_it_takes_two(visit):
    saved(written_run("calm-crane"), 1000)
    app = visit("attention", tab="Evolve", model="calm-crane", image=IMAGE)
    assert "1 checkpoint; at least two are needed" in text_of(app)


def test_the_film_grows_while_its_run_lives(visit, run, alive):
    held(run, alive)
    app = visit("attention", tab="Evolve", model=run.id, image=IMAGE)
    before = len(evolve.chosen(run))
    saved(run, 1250)
    app.run()
    assert not app.exception
    assert len(evolve.chosen(run)) == before + 1


def test_a_run_that_is_deleted_while_it_is_watched_gets_a_sentence(run, subject):
    from streamlit.testing.v1 import AppTest

    def part():
        import streamlit as st

        from pages.attention import evolve

        evolve.part(st.session_state["subject"], "wise-wolf", None)

    shutil.rmtree(run.path)
    app = AppTest.from_function(part)
    app.session_state["subject"] = subject
    app.run()
    assert not app.exception
    assert "no run called 'wise-wolf'" in app.error[0].value


def test_a_frame_is_its_checkpoints_own_view(run, subject):
    found = film_of(subject, run)
    for frame in found:
        predictor = Predictor.load(f"{run.id}@{frame.saved.step}")
        prediction, trace = predictor.explain("a", input_images.find(IMAGE).read())
        assert frame.probabilities == pytest.approx(prediction.probabilities, abs=1e-5)
        np.testing.assert_allclose(frame.maps["last layer"], attention.attention_map(trace, trace.depth - 1)[0])
    assert [frame.saved.step for frame in found] == [500, 1000]


def test_many_checkpoints_are_thinned_and_both_ends_stay(run, monkeypatch):
    for step in (600, 700, 800):
        saved(run, step)
    monkeypatch.setattr(evolve, "MOST_FRAMES", 3)
    assert [entry.step for entry in evolve.chosen(run)] == [500, 700, 1000]


def test_all_maps_of_a_film_share_one_scale_and_all_probabilities_are_told(run, subject):
    found = film_of(subject, run)
    sent = evolve.film_data(subject, found)
    assert sent["scale"] == vars(scale.attention(subject.info.model.num_tokens))
    assert [len(maps) for maps in sent["maps"].values()] == [2, 2]
    totals = np.sum([one["shares"] for one in sent["classes"]], axis=0)
    assert totals == pytest.approx([1, 1], abs=1e-2)
    depth, heads = subject.info.model.depth, subject.info.model.num_heads
    assert np.shape(sent["statistics"]["entropy, in nats"]) == (depth, heads, 2)


def test_the_gif_has_a_frame_per_checkpoint_and_plays_for_ever(run, subject):
    image = Image.open(io.BytesIO(evolve.gif(subject, film_of(subject, run))))
    assert (image.format, image.info["loop"]) == ("GIF", 0)
    seen = set()
    for index in range(image.n_frames):
        image.seek(index)
        seen.add(image.convert("RGB").tobytes())
    assert len(seen) == 2


def test_the_same_value_has_the_same_color_in_every_frame_of_a_gif():
    maps = [np.full((2, 2), 0.1), np.array([[0.1, 0.4], [0.25, 0.2]])]
    image = Image.open(io.BytesIO(timelapse.gif(Image.new("RGB", (8, 8), "gray"), maps, ["a", "b"], 5)))
    colors, peaks = [], []
    for index in range(2):
        image.seek(index)
        colors.append(np.array(image.convert("RGB").getpixel((20, 20)), int))
        peaks = [np.array(image.convert("RGB").getpixel(place), int) for place in ((300, 20), (20, 300))]
    assert abs(colors[0] - colors[1]).max() <= 4  # a GIF's palette is coarse
    assert abs(peaks[0] - peaks[1]).max() > 20  # 0.4 and 0.25 both lie on the scale, which ends at 0.4
