"""Start: what a first visitor finds, and what somebody finds who has runs."""

from seen import text_of
from worlds import saved, written_run

from vit import devices


def test_a_first_visitor_sees_machine_data_and_one_way_to_begin(visit):
    app = visit()
    assert not app.exception
    assert "Your machine" in text_of(app)
    assert "shapes" in text_of(app)
    assert "no trained model yet" in text_of(app)
    assert [button.label for button in app.button] == ["Train a ViT on shapes, 1 minute"]


def test_a_gpu_is_offered_what_suits_it(visit, monkeypatch):
    gpu = devices.Hardware("cuda", "NVIDIA H200", 16, 141 * 10**9)
    monkeypatch.setattr(devices, "describe", lambda: gpu)
    app = visit()
    assert not app.exception
    links = {link.proto.label for link in app.get("page_link")}
    assert "**5 epochs**" in links
    assert "**1 minute**" not in links
    assert app.button[0].label == "Train a ViT on shapes, 5 epochs"


def test_recent_runs_are_listed_newest_first_with_what_they_reached(visit):
    written_run("old-owl", launched=1.0)
    written_run("new-newt", launched=2.0)
    table = visit().dataframe[0].value
    assert list(table["run"]) == ["new-newt", "old-owl"]
    assert list(table["state"]) == ["finished", "finished"]
    assert table["curve"][0][-1] == table["best"][0]


def test_a_trained_model_answers_at_once(visit):
    saved(written_run("wise-wolf"), 1000)
    app = visit()
    assert not app.exception
    bars = [bar.text for bar in app.progress]
    assert len(bars) == 3
    assert all("%" in bar for bar in bars)


def test_a_damaged_model_is_told_in_a_sentence(visit):
    run = written_run("sad-seal")
    saved(run, 1000)
    path = run.checkpoint_path("best")
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    app = visit()
    assert not app.exception
    assert "damaged" in app.error[0].value
