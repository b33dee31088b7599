"""Exercises: the list, the text that is kept, and who may run code."""

import pytest
import streamlit as st
from seen import text_of

from pages.learn.exercises import outcome, words
from pages.shared.literal import literal
from vit.learn import progress, sandbox
from vit.learn.exercises.tasks import ATTENTION, TASKS
from vit.learn.exercises.verdict import Curve, Verdict


@pytest.fixture
def answers(monkeypatch):
    """What the limited process would say; tests/learn has the real one."""
    given = []
    monkeypatch.setattr(sandbox, "check", lambda task, text: given[-1])
    return given


def test_every_exercise_opens_with_its_skeleton_and_no_model_is_needed(visit):
    for task in TASKS:
        app = visit("learn", exercise=task.slug)
        assert app.title[0].value == task.title
        assert app.text_area[0].value == task.skeleton


def test_what_was_written_is_there_again_until_reset(visit):
    app = visit("learn", exercise="attention")
    app.text_area[0].set_value("x = 1").run()
    app = visit("learn", exercise="attention")
    assert app.text_area[0].value == "x = 1"
    next(button for button in app.button if button.label == "Reset").click().run()
    assert app.text_area[0].value == ATTENTION.skeleton
    assert progress.read().code == {"attention": ATTENTION.skeleton}


def test_a_hint_goes_when_the_text_changes_and_a_solved_exercise_is_marked(visit, answers):
    answers.append(Verdict(hint="Look [here](http://example.org), at `dim`."))
    app = visit("learn", exercise="attention")
    next(button for button in app.button if button.label == "Check").click().run()
    assert app.warning[0].value == literal("Look [here](http://example.org), at ") + " `dim`."
    app.text_area[0].set_value("x = 1").run()
    assert not app.warning
    answers.append(Verdict(passed=True, checks=["The shape is right."]))
    next(button for button in app.button if button.label == "Check").click().run()
    assert app.success[0].value == "Correct."
    assert "solved" in text_of(visit("learn"))


def test_exercises_are_off_where_other_machines_reach_the_server(visit, monkeypatch):
    true = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: "0.0.0.0" if name == "server.address" else true(name))
    app = visit("learn", exercise="attention")
    assert "Exercises are off here" in app.info[0].value
    assert not app.text_area
    assert not app.button


def test_only_code_between_two_backticks_is_more_than_text():
    assert words("a `b*c` d, *e*") == r"a `b*c` d, \*e\*"
    assert words("one ` alone") == r"one \` alone"
    assert words("![x](y) `z`").startswith(r"!\[x\]")


def test_a_solution_that_passed_is_trained_with_and_compared(visit, answers, monkeypatch):
    answers.append(Verdict(passed=True))
    app = visit("learn", exercise="attention")
    assert "Train with it" not in [button.label for button in app.button]
    next(button for button in app.button if button.label == "Check").click().run()
    curves = {"trained": Curve(losses=[1.0, 0.5], accuracy=0.75), "reference": Curve(losses=[1.0, 0.6], accuracy=0.7)}
    monkeypatch.setattr(sandbox, "train", lambda *_: Verdict(passed=True, **curves))
    next(button for button in app.button if button.label == "Train with it").click().run()
    said = "After 2 steps the loss is 0.75 with your module and 0.80 with ours; 75.0% and 70.0%"
    assert any(markdown.value.startswith(said) for markdown in app.markdown)


def test_a_module_that_learns_more_slowly_gets_a_hint():
    ours = Curve(losses=[0.5], accuracy=0.8)
    assert "Are they large?" in outcome(Curve(losses=[1.0], accuracy=0.4), ours)
    assert "alike, not equal" in outcome(Curve(losses=[0.6], accuracy=0.7), ours)
