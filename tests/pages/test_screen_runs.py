"""Runs: found, selected, compared, noted, deleted and brought back; the address says all of it."""

import io
import time

import pytest
from seen import text_of
from streamlit.testing.v1 import AppTest
from worlds import config, held, saved, written_run

from vit import files
from vit.runs import archive, keeping, queue
from vit.runs.about import read_about, write_about
from vit.runs.directory import Run
from vit.runs.status import list_runs


def ended(run_id: str, ago: float = 60, phase: str = "finished", **overrides) -> Run:
    """A run that ended and was started so many seconds ago."""
    run = written_run(run_id, phase, 300)
    files.write_json(run.config_path, config(**overrides).to_json())
    files.write_json(run.launch_path, {"launched": time.time() - ago, "preset": "1-minute", "data": "shapes"})
    return run


@pytest.fixture
def two():
    return ended("old-owl", 90, **{"train.lr": 0.5}), ended("new-newt", 60, "stopped", **{"train.lr": 0.25})


def listed(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["run"])


def button(app: AppTest, label: str):
    return next(found for found in app.button if found.label == label)


def names() -> set[str]:
    return {state.id for state in list_runs()}


def test_without_runs_there_is_one_sentence_and_one_way_on(visit):
    app = visit("runs")
    assert "no run yet" in text_of(app)
    assert [link.label for link in app.get("page_link")][-1] == "Configure a run"
    assert not app.dataframe


def test_every_run_is_a_row_with_what_it_reached(visit, two):
    write_about("old-owl", "a note", ["paper"])
    table = visit("runs").dataframe[0].value.set_index("run")
    assert list(table.index) == ["new-newt", "old-owl"]
    row = table.loc["old-owl"]
    assert (row["state"], row["data"], row["device"], row["note"], list(row["tags"])) == (
        "finished", "shapes", "CPU", "a note", ["paper"],
    )  # fmt: skip
    assert row["curve"][-1] == row["best"]


def test_the_address_filters_and_orders(visit, two):
    write_about("old-owl", "", ["paper"])
    ended("best-bear", 120)
    assert listed(visit("runs", q="OWL")) == ["old-owl"]
    assert listed(visit("runs", state="stopped")) == ["new-newt"]
    assert listed(visit("runs", tag="paper")) == ["old-owl"]
    assert listed(visit("runs", sort="name")) == ["best-bear", "new-newt", "old-owl"]
    assert "No run passes the filter" in text_of(visit("runs", q="nothing"))


def test_selected_rows_are_the_addresss_runs_whatever_the_order(visit, two):
    app = visit("runs", runs="old-owl")
    assert app.session_state["runs_table"]["selection"]["rows"] == [1]
    ended("newest-newt", 10)
    app.run()
    assert app.session_state["runs_table"]["selection"]["rows"] == [2]
    app = visit("runs", runs="old-owl,new-newt,gone,../evil")
    assert app.multiselect(key="runs_picked").value == ["old-owl", "new-newt"]


def test_runs_are_selected_without_the_table_too(visit, two):
    app = visit("runs", q="owl")
    app.multiselect(key="runs_picked").set_value(["new-newt", "old-owl"]).run()
    assert app.query_params["runs"] in ("new-newt,old-owl", ["new-newt,old-owl"])
    assert app.session_state["runs_table"]["selection"]["rows"] == [0]  # the filter shows one of them
    app.multiselect(key="runs_picked").set_value([]).run()
    assert "runs" not in app.query_params


@pytest.mark.parametrize("x", ["step", "epoch", "time", "images"])
def test_curves_lie_over_each_other_and_are_said_in_words(visit, two, x):
    app = visit("runs", runs="old-owl,new-newt", x=x)
    assert "Last val accuracy: old-owl 28.0%, new-newt 28.0%." in text_of(app)
    spec = app.get("plotly_chart")[0].proto.spec
    assert '"dash":"solid"' in spec.replace(" ", "")
    assert '"dash":"dash"' in spec.replace(" ", "")


def test_settings_are_those_that_differ(visit, two):
    table = visit("runs", runs="old-owl,new-newt", tab="Settings").dataframe[1].value.set_index("setting")
    assert table.to_dict("index") == {"train.lr": {"old-owl": "0.5", "new-newt": "0.25"}}
    table = visit("runs", runs="old-owl", tab="Settings").dataframe[1].value.set_index("setting")
    assert table.loc["model.depth", "old-owl"] == "3"


def test_the_same_images_go_through_the_selected_runs(visit, two):
    saved(two[0], 300)
    app = visit("runs", runs="old-owl,new-newt", tab="Images")
    assert not app.error
    assert "No checkpoint to ask yet." in text_of(app)
    assert len([found for found in app.markdown if found.value.endswith("%")]) == 4


def test_a_family_is_a_drawing_and_a_list(visit, two):
    child = ended("calm-crane", 10, **{"train.lr": 0.5})
    files.write_json(child.fork_path, {"parent": "old-owl", "step": 200})
    files.append_line(child.changes_path, {"step": 200, "settings": {"train.lr": 0.125}})
    app = visit("runs", runs="calm-crane", tab="Family")
    assert "from step 200 of old-owl · lr 0.5 → 0.125" in text_of(app)
    assert "n0 -->" in text_of(app)
    assert "No run was forked" in text_of(visit("runs", runs="new-newt", tab="Family"))


def test_note_and_tags_are_written_when_they_are_changed(visit, two):
    app = visit("runs", runs="old-owl")
    app.text_area[0].set_value("lr too high").run()
    tags = next(found for found in app.multiselect if found.label == "Tags")
    tags.set_value(["paper"]).run()
    assert read_about(two[0]).note == "lr too high"
    assert read_about(two[0]).tags == ("paper",)
    write_about("old-owl", "from another tab")
    assert app.run().text_area[0].value == "from another tab"


def test_a_new_name_is_selected_and_a_bad_one_is_told(visit, two):
    app = visit("runs", runs="old-owl")
    name = next(found for found in app.text_input if found.label == "New name")
    name.set_value("Wrong Name").run()
    button(app, "Rename").click().run()
    assert "can't be a run's name" in app.error[0].value
    next(found for found in app.text_input if found.label == "New name").set_value("better").run()
    button(app, "Rename").click().run()
    assert names() == {"better", "new-newt"}
    assert app.query_params["runs"] in ("better", ["better"])


def test_deleted_runs_come_back_at_once_or_later(visit, two):
    app = visit("runs", runs="old-owl,new-newt")
    button(app, "Delete 2").click().run()
    assert names() == set()
    assert "Deleted 2 runs" in text_of(app)
    button(app, "Undo").click().run()
    assert names() == {"old-owl", "new-newt"}
    keeping.delete("old-owl")
    app = visit("runs")
    assert "Recently deleted (1)" in [found.label for found in app.expander]
    app.session_state["deleted_runs"] = True
    app.run()
    button(app, "Restore").click().run()
    assert names() == {"old-owl", "new-newt"}


def test_what_is_deleted_for_good_is_gone(visit, two):
    keeping.delete("old-owl")
    app = visit("runs")
    app.session_state["deleted_runs"] = True
    app.run()
    button(app, "Delete for good").click().run()
    assert (keeping.deleted(), names()) == ([], {"new-newt"})


def test_a_run_that_lives_cant_be_deleted_or_renamed(visit, alive):
    run = written_run("busy-bee", "training", 200)
    held(run, alive)
    app = visit("runs", runs="busy-bee")
    assert button(app, "Delete").disabled
    assert button(app, "Delete").help == "It is running. Stop it first."


def test_an_exported_run_is_imported_under_a_free_name(visit, two):
    buffer = io.BytesIO()
    archive.write("old-owl", buffer)
    app = visit("runs")
    app.file_uploader[0].upload("old-owl.tar", buffer.getvalue(), "application/x-tar").run()
    assert "Imported as old-owl-2, because" in app.success[0].value
    assert names() == {"old-owl", "new-newt", "old-owl-2"}
    app.file_uploader[0].upload("evil.tar", b"no tar", "application/x-tar").run()
    assert "not an archive of a run" in app.error[0].value


def test_the_queue_is_shown_and_reordered(visit, two, monkeypatch, unstarted):
    order = ["old-owl", "new-newt"]
    monkeypatch.setattr(queue, "waiting", lambda: list(order))
    monkeypatch.setattr(queue, "move", lambda run_id, place: order.insert(place, order.pop(order.index(run_id))))
    monkeypatch.setattr(queue, "withdraw", order.remove)
    app = visit("runs")
    assert "2 runs waiting" in text_of(app)
    app.button(key="down-old-owl").click().run()
    assert order == ["new-newt", "old-owl"]
    assert app.button(key="up-new-newt").disabled
    app.button(key="withdraw-new-newt").click().run()
    assert order == ["old-owl"]
