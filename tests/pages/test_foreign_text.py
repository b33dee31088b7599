"""What a file, an address or an error says is text on every screen: it becomes no image, no link and no markup."""

import time

import numpy as np
import pytest
from image_files import encode, scene
from markdown_it import MarkdownIt
from worlds import saved, written_run

from vit import files, jobs
from vit.data import catalog, duplicates, importing, store
from vit.data.shapes import CLASSES
from vit.data.store import DatasetInfo
from vit.evaluation import directory, predictions
from vit.evaluation.parts import ImageMap, Suspects, Unusual
from vit.evaluation.predictions import Predictions
from vit.jobs import Job
from vit.runs import queue
from vit.runs.about import write_about
from vit.runs.status import Failure

CALL = "![x](http://evil.test/a.png)<img src=http://evil.test>[y](http://evil.test)http://evil.test :red[z]"
KINDS = "title subheader markdown caption error warning success info"
ACTIVE = {"image", "link_open", "html_inline", "html_block", "code_inline"}


def followed(app) -> list[str]:
    """The Markdown on a screen in which a reader would follow what a stranger wrote."""
    shown = [element for kind in KINDS.split() for element in getattr(app, kind)]
    values = [str(value) for element in shown for value in (element.value, getattr(element.proto, "title", ""))]
    values += [str(bar.proto.text) for bar in app.get("progress")]
    return [value for value in values if "evil" in value and (is_active(value) or ":red[z]" in value)]


def is_active(value: str) -> bool:
    blocks = MarkdownIt("gfm-like").parse(value)
    inline = [child for block in blocks for child in block.children or []]
    return any(token.type in ACTIVE for token in (*blocks, *inline))


@pytest.fixture
def foreign_run(monkeypatch):
    """A failed run whose classes, event and error all try to call out."""
    monkeypatch.setattr("worlds.CLASSES", tuple(f"{CALL} {name}" for name in CLASSES))
    run = written_run("wise-wolf", "failed", error=Failure(message=f"could not read {CALL}", kind="Error"))
    files.append_line(run.events_path, {"time": time.time(), "step": 0, "kind": "warning", "text": CALL})
    saved(run, 1000)
    return run.id


@pytest.fixture
def foreign_evaluation(foreign_run):
    """An evaluation of its best checkpoint, on data of the same classes; about half of the answers are right."""
    classes, rng = tuple(f"{CALL} {name}" for name in CLASSES), np.random.default_rng(0)
    with store.creating(store.folder_of("pets")) as staging:
        writer = store.Writer(staging)
        for split in store.SPLITS:
            writer.append(split, rng.integers(0, 256, (40, 3, 8, 8), np.uint8), np.arange(40) % 10)
        info = DatasetInfo("pets", "imported", classes, {}, None, "")
        store.publish(staging, store.folder_of("pets"), writer.finish(info))
    evaluation = directory.find(foreign_run, catalog.describe("pets"), "test")
    logits = rng.normal(size=(40, 10)) + 2 * np.eye(10)[np.arange(40) % 10]
    files.make_folder(evaluation.path)
    found = Predictions(logits.astype(np.float32), rng.normal(size=(40, 4)), np.arange(40) % 10, np.arange(40))
    predictions.write(evaluation.predictions_path, found)
    evaluation.write("unusual", Unusual(scores=tuple(range(40)), threshold=37.5))
    evaluation.write("suspects", Suspects(rows=(7, 3), suggested=(1, 2), quality=(0.1, 0.2), num_issues=2))
    evaluation.write("map", ImageMap(rows=(0, 1, 2), x=(0, 1, 2), y=(2, 0, 1)))
    return evaluation


TABS = ["Summary", "Confusion", "Gallery", "Map", "Unusual", "Label suspects", "Compare"]


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_of_evaluate(visit, foreign_evaluation, tab):
    key = foreign_evaluation.identity.key
    app = visit("evaluate", model="wise-wolf", data="pets", split="test", opened=key, tab=tab, row="1")
    assert tab in ("Summary", "Compare") or any("evil" in element.value for element in app.markdown)
    assert followed(app) == []


def test_a_reader_would_follow_it():
    assert is_active(CALL)


def test_the_live_page(visit, foreign_run):
    app = visit("train", run=foreign_run)
    assert any("evil" in element.value for element in app.markdown)
    assert any("evil" in element.value for element in app.error)
    assert followed(app) == []


@pytest.mark.parametrize(("screen", "name"), [("train", "run"), ("predict", "model"), ("attention", "image")])
def test_an_address(visit, foreign_run, screen, name):
    assert followed(visit(screen, **{name: CALL})) == []


def test_settings_in_an_address(visit):
    app = visit("train", **{"model.depth": CALL, "data.source": CALL, "preset": CALL})
    assert followed(app) == []


@pytest.mark.parametrize("tab", ["Curves", "Settings", "Images", "Family"])
def test_notes_tags_and_files_of_runs(visit, foreign_run, monkeypatch, unstarted, tab):
    monkeypatch.setattr(queue, "waiting", lambda: [foreign_run])
    write_about(foreign_run, CALL, [CALL[:32]])
    other = written_run("odd-owl", "failed", error=Failure(message=CALL))
    files.write_json(other.launch_path, {"launched": 1.0, "preset": CALL, "data": CALL})
    files.write_json(other.fork_path, {"parent": foreign_run, "step": 5})
    files.append_line(other.changes_path, {"step": 5, "settings": {"train.lr": CALL, CALL: CALL}})
    app = visit("runs", runs=f"{foreign_run},odd-owl", tab=tab)
    assert set(app.dataframe[0].value["note"]) == {CALL, ""}
    assert followed(app) == []
    assert followed(visit("runs", runs=foreign_run, q=CALL, state=CALL, sort=CALL, tag=CALL, metric=CALL)) == []


@pytest.mark.parametrize("tab", ["Look", "Why", "Ablate", "Evolve", "Weights"])
def test_an_uploaded_image_and_the_classes_of_a_model(visit, foreign_run, tab):
    app = visit("attention", **{"from": "Upload", "tab": tab})
    app.file_uploader(key="uploads").upload(f"{CALL}.png", encode(scene(40, 30)), "image/png").run()
    assert not app.exception
    assert any("evil" in element.value for element in app.caption)
    assert followed(app) == []


def test_predictions_of_one_image_and_of_several(visit, foreign_run):
    app = visit("predict", **{"from": "Upload"})
    app.file_uploader[0].upload(f"{CALL}.png", encode(scene(40, 30)), "image/png").run()
    assert any("evil" in element.value for element in app.caption)
    assert followed(app) == []
    app.file_uploader[0].upload(f"{CALL}2.png", b"no image", "image/png").run()
    assert any("evil" in element.value for element in app.error)
    assert followed(app) == []


@pytest.mark.parametrize("state", ["finished", "failed", "cancelled", "running"])
def test_a_job(visit, empty_home, state):
    app = visit("data")
    app.session_state["followed_jobs"] = ["cats"]
    jobs.folder().mkdir(exist_ok=True)
    jobs.write(Job("cats", "import", state, message=CALL, error=CALL, done=1, total=2, started=time.time()))
    app.run()
    assert followed(app) == []


@pytest.fixture
def foreign_set(tmp_path):
    """A data set of which a class, a file that was left out and the folder it came from try to call out."""
    folder = tmp_path / CALL.replace("/", "")
    for name in ("one", "other"):
        for index in range(3):
            path = folder / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(scene(20 + index, 30)))
    (folder / "one" / f"{CALL.replace('/', '')}.png").write_bytes(b"no image")
    (folder / "other" / "3.png").write_bytes((folder / "one" / "0.png").read_bytes())
    importing.import_as("own", folder, renames={"one": CALL, "other": f"{CALL} too"})
    duplicates.check("own")
    return folder


@pytest.mark.parametrize("tab", ["Images", "About", "Duplicates"])
def test_a_data_set_and_its_classes(visit, foreign_set, tab):
    app = visit("data", set="own", tab=tab, image="own:train:0")
    shown = [str(element.value) for kind in ("caption", "markdown", "dataframe") for element in getattr(app, kind)]
    assert any("evil" in value for value in shown)
    assert followed(app) == []


def test_all_data_sets_and_the_preview_of_an_import(visit, foreign_set):
    app = visit("data")
    app.text_input(key="import.path").set_value(str(foreign_set))
    app.button(key="preview").click().run()
    assert app.data_editor
    assert any("evil" in element.value for element in app.markdown)
    assert followed(app) == []
    assert followed(visit("data", set=CALL)) == []
