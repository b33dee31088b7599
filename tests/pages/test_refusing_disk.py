"""A disk that refuses is a sentence, whatever was clicked; a file where a folder belongs stands for such a disk."""

import pytest
from worlds import saved, written_run

from pages.data import adding
from vit import jobs, paths


def refuse(folder) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("not a folder")


def test_pinning_an_image(visit, model):
    refuse(paths.pinned_root())
    app = visit("attention", image="shapes:test:5")
    app.button(key="pin").click().run()
    assert not app.exception
    assert str(paths.pinned_root()) in app.error[0].value.replace("\\", "")


@pytest.mark.parametrize("folder", [jobs.folder, paths.data_root])
def test_importing(visit, folder):
    refuse(folder())
    app = visit("data")
    app.file_uploader(key=adding.UPLOAD).upload("pets.zip", b"x", "application/zip").run()
    app.button(key="import").click().run()
    assert not app.exception
    assert app.error[0].value


def test_launching(visit):
    refuse(paths.runs_root())
    app = visit("train", preset="tutorial")
    app.button(key="train").click().run()
    assert not app.exception
    assert "can't be created" in app.error[0].value


@pytest.mark.parametrize("key", ["resume"])
def test_resuming(visit, key, unstarted):
    run = written_run("one", "stopped")
    saved(run, 1000)
    (run.path.parent / ".queue.json").mkdir()
    app = visit("train", run="one")
    app.button(key=key).click().run()
    assert not app.exception
    assert ".queue.json" in app.error[0].value
