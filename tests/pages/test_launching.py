"""One click, one run, however the clicks arrive."""

import threading

import pytest
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx
from streamlit.testing.v1 import AppTest

from vit.errors import RunError
from vit.runs import launch, status
from vit.runs.directory import Run


def clicked_twice():
    """What two callbacks do whose clicks came before the page was drawn anew."""
    import streamlit as st
    from worlds import config

    from pages.shared import launching

    name = launching.next_run()
    st.session_state["answers"] = [name, launching.launch_once(config()), launching.launch_once(config())]


def test_the_second_of_two_fast_clicks_gets_the_run_of_the_first(monkeypatch):
    monkeypatch.setattr("vit.runs.launch.start", lambda run: None)
    app = AppTest.from_function(clicked_twice).run()
    assert not app.exception
    name, first, second = app.session_state["answers"]
    assert (first, second) == (name, name)
    assert [run.id for run in status.list_runs()] == [name]


def clicked():
    import streamlit as st
    from worlds import config

    from pages.shared import launching

    if "name" not in st.session_state:
        st.session_state["name"] = launching.next_run()
    st.session_state["answer"] = launching.launch_once(config())


def test_a_second_click_that_cuts_the_first_off_gets_its_run_too(monkeypatch):
    undisturbed = launch.launch

    def cut_off(*arguments):
        undisturbed(*arguments)
        get_script_run_ctx().script_requests.request_stop()  # as Streamlit does at the next click

    monkeypatch.setattr("vit.runs.launch.start", lambda run: None)
    monkeypatch.setattr("vit.runs.launch.launch", cut_off)
    app = AppTest.from_function(clicked).run()
    assert "answer" not in app.session_state
    app.run()
    assert not app.exception
    assert app.session_state["answer"] == app.session_state["name"]
    assert [run.id for run in status.list_runs()] == [app.session_state["name"]]


def test_a_second_click_waits_until_the_run_of_the_first_is_there(monkeypatch):
    from worlds import config

    from pages.shared import launching

    undisturbed, seen = launch.claim, []
    second = threading.Thread(target=lambda: seen.append(Run.find(launching.launch_once(config()))))

    def clicked_meanwhile(*arguments):
        run = undisturbed(*arguments)
        add_script_run_ctx(second, get_script_run_ctx()).start()
        second.join(timeout=0.5)
        return run

    monkeypatch.setattr("vit.runs.launch.start", lambda run: None)
    monkeypatch.setattr("vit.runs.launch.claim", clicked_meanwhile)
    app = AppTest.from_function(clicked).run()
    second.join()
    assert not app.exception
    assert [run.id for run in seen] == [app.session_state["answer"]]


def test_a_second_click_that_cuts_a_refused_launch_off_launches_its_run(monkeypatch):
    undisturbed = launch.launch

    def refused_and_cut_off(*_):
        get_script_run_ctx().script_requests.request_stop()
        raise RunError("the disk is full")

    monkeypatch.setattr("vit.runs.launch.start", lambda run: None)
    monkeypatch.setattr("vit.runs.launch.launch", refused_and_cut_off)
    app = AppTest.from_function(clicked).run()
    monkeypatch.setattr("vit.runs.launch.launch", undisturbed)
    app.run()
    assert not app.exception
    assert [run.id for run in status.list_runs()] == [app.session_state["name"]]


def emptied_and_clicked():
    """What two callbacks do if a person empties the name and clicks before the page was drawn anew."""
    import streamlit as st
    from worlds import config

    from pages.shared import launching

    launching.next_run()
    st.session_state[launching.NAME] = " "
    launching._rename()
    st.session_state["answer"] = launching.launch_once(config())


def test_a_name_that_is_emptied_is_chosen_anew(monkeypatch):
    monkeypatch.setattr("vit.runs.launch.start", lambda run: None)
    app = AppTest.from_function(emptied_and_clicked).run()
    assert not app.exception
    assert [run.id for run in status.list_runs()] == [app.session_state["answer"]]


def launched_and_left():
    import streamlit as st
    from worlds import config

    from pages.shared import launching

    launching.next_run()
    run_id, arriving = launching.launch_once(config()), launching.arriving()
    launching.configure_another()
    st.session_state["answers"] = [run_id, arriving, launching.arriving()]


def test_who_asks_for_a_new_run_is_not_led_back_to_the_one_just_launched(monkeypatch):
    visited = []
    monkeypatch.setattr("vit.runs.launch.start", lambda run: None)
    monkeypatch.setattr("streamlit.switch_page", visited.append)
    app = AppTest.from_function(launched_and_left).run()
    assert not app.exception
    run_id, arriving, after = app.session_state["answers"]
    assert (arriving, after) == (run_id, "")
    assert visited == ["pages/train/page.py"]


@pytest.mark.parametrize(("screen", "key"), [("train", "train"), ("start", "first_run")])
def test_why_a_run_could_not_be_launched_is_told_once(visit, monkeypatch, screen, key):
    def refuse(*_) -> None:
        raise RunError("the disk is full")

    monkeypatch.setattr("vit.runs.launch.launch", refuse)
    app = visit(screen)
    app.button(key=key).click().run()
    assert [error.value for error in app.error] == ["the disk is full"]
    assert not app.run().error
