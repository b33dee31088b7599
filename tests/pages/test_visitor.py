"""On a server that several people share, each sees whose run it is and has pinned images of their own."""

import pytest
from PIL import Image
from seen import text_of
from worlds import held, written_run

from pages.shared import visitor
from vit import pinned
from vit.runs import commands
from vit.runs.launched import read_launch, write_launch

OTHER, ME = f"{visitor.ANONYMOUS}0123", f"{visitor.ANONYMOUS}4567"


@pytest.fixture
def as_visitor(monkeypatch):
    return lambda name: monkeypatch.setattr(visitor, "current", lambda: name)


@pytest.fixture
def run(home, alive):
    run = written_run("quick-otter", phase="training", step=500)
    write_launch(run, owner=OTHER)
    held(run, alive)
    return run


def test_another_visitors_run_is_stopped_after_a_question(visit, run, as_visitor):
    as_visitor(ME)
    app = visit("train", run="quick-otter")
    assert "Launched by another visitor." in text_of(app)
    labels = [button.label for button in app.button]
    assert "Stop it anyway" in labels
    assert "Stop" not in labels
    app.button(key="stop").click().run()
    assert [command.word for command in commands.waiting(run)] == ["stop"]


@pytest.mark.parametrize("owner", ["", OTHER])
def test_a_run_of_ones_own_is_stopped_at_once(visit, run, as_visitor, owner):
    write_launch(run, owner=owner)
    as_visitor(owner)
    app = visit("train", run="quick-otter")
    assert "Launched by" not in text_of(app)
    assert "Stop" in [button.label for button in app.button]


def test_who_launched_a_run_stays_when_it_is_resumed(run):
    write_launch(run)
    assert read_launch(run).owner == OTHER


def test_a_person_who_has_logged_in_is_called_by_name():
    assert visitor.called("ada@example.org") == "ada@example.org"


def test_everybody_has_pinned_images_of_their_own(home):
    image = Image.new("RGB", (8, 8), "red")
    mine, theirs = (pinned.pin("key", image, "red", owner=owner) for owner in (ME, OTHER))
    assert [entry.id for entry in pinned.list_pinned(ME)] == [mine]
    assert [entry.id for entry in pinned.list_pinned(OTHER)] == [theirs]
    assert pinned.list_pinned() == []
    assert pinned.find(theirs).name == "red"  # a link to it opens it
