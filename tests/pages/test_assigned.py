"""An assignment fills the form and locks it; a made one is what the form says."""

import json

import pytest
from seen import text_of

from pages.train.form import assigned

TASK = {
    "title": "What patches are worth ![x](http://example.org/x.png)",
    "task": "Compare **two** sizes.",
    "preset": "tutorial",
    "locked": {"model.patch_size": 8, "train.steps": 300, "train.lr": 0.002},
    "goal": 0.4,
    "minutes": 5,
}


def given(app, content: bytes):
    """Upload a file on the form."""
    app.file_uploader(key=assigned.UPLOAD).set_value(("assignment.json", content, "application/json")).run()
    assert not app.exception
    return app


@pytest.fixture
def opened(visit):
    return given(visit("train"), json.dumps(TASK).encode())


def test_it_fills_the_form_and_locks_its_settings(opened):
    values = {name: opened.get_by_key(f"form.{name}") for name in TASK["locked"] if name != "train.steps"}
    assert {name: field.value for name, field in values.items()} == {"model.patch_size": 8, "train.lr": 0.002}
    assert all(field.disabled for field in values.values())
    assert not opened.get_by_key("form.model.depth").disabled
    assert (opened.get_by_key("form.length").value, opened.get_by_key("form.unit").value) == (300, "steps")
    said = text_of(opened)
    assert "Goal: val accuracy of at least 40.0%" in said
    assert "![x](http" not in said  # shown as text, not as an image


def test_a_locked_setting_that_was_changed_all_the_same_is_a_problem(opened):
    assert opened.get_by_key("form.length").disabled
    opened.get_by_key("form.preset").set_value("plain").run()
    said = text_of(opened)
    assert "The assignment says 300" in said
    assert "The assignment says 0.002" in said
    assert next(button for button in opened.button if button.label == "Train").disabled


def test_it_is_closed_and_the_form_is_free_again(opened):
    next(button for button in opened.button if button.label == "Close the assignment").click().run()
    assert not opened.get_by_key("form.train.lr").disabled


def test_what_is_no_assignment_is_a_sentence_and_the_form_stays(visit):
    app = given(visit("train"), b'{"title": "x", "preset": "tutorial", "locked": {"train.speed": 1}}')
    assert "no such setting" in app.error[0].value
    assert not app.get_by_key("form.train.lr").disabled
