"""One damaged run is one row that says so, and a page that says what is left of it; the others stay usable."""

import json
import time

import pytest
from seen import text_of
from worlds import saved, written_run

from vit import files

DAMAGED = {
    "config.json": [b"{", b"[]", b'{"model": {"depth": "x"}}', b""],
    "launch.json": [b'{"launched": "x"}', b'{"launched": null}', b'{"launched": NaN}', b'{"launched": 1e300}'],
    "status.json": [b'{"step": {"a": 1}}', b"null", b'{"phase": "finished", "step": 1', b'{"updated": 1e300}'],
    "plan.json": [b"{", b'{"total_steps": 0}'],
    "metrics.jsonl": [b'{"step": "x"}\n{"step": 5, "val_accuracy": NaN, "lr": null}\n', b"\xff\xfe\n"],
    "events.jsonl": [b'{"time": "x", "step": 1, "kind": 1, "text": null}\n', b'{"time": 1e300, "step": 1}\n'],
    "tracked.jsonl": [b'{"step": 1}\n', b'{"step": 1, "epoch": 1, "probabilities": [[]], "attention": [[]]}\n'],
}
CASES = [(name, contents[0]) for name, contents in DAMAGED.items()]
MORE = [(name, content) for name, contents in DAMAGED.items() for content in contents[1:]]
CASES += [pytest.param(*case, marks=pytest.mark.slow) for case in MORE]


@pytest.mark.parametrize(("name", "content"), CASES, ids=lambda part: str(part)[:30])
def test_lists_and_the_runs_own_page_open(visit, name, content):
    run = written_run("bad-bear", "stopped", 200)
    written_run("good-goose")
    (run.path / name).write_bytes(content)
    rows = visit("start").dataframe[0].value
    assert set(rows["run"]) == {"bad-bear", "good-goose"}
    assert rows.set_index("run").loc["good-goose", "state"] == "finished"
    app = visit("train", run="bad-bear")
    assert "bad-bear" in [title.value for title in app.title]


@pytest.mark.parametrize("name", ["config.json", "status.json"])
def test_a_damaged_run_says_so_and_what_was_kept(visit, name):
    run = written_run("bad-bear", "stopped", 200)
    saved(run, 200)
    files.write_json(run.launch_path, {"launched": time.time() - 60})  # a worker had time to start
    (run.path / name).write_bytes(b"{")
    assert visit("start").dataframe[0].value["state"].tolist() == ["damaged"]
    app = visit("train", run="bad-bear")
    assert "can't be read" in app.error[0].value
    assert "The last checkpoint is from step 200" in app.error[0].value


def test_a_damaged_checkpoint_is_named(visit):
    run = written_run("bad-bear", "stopped", 200)
    for step in (100, 200):
        saved(run, step)
    path = run.checkpoint_path("200")
    path.write_bytes(path.read_bytes()[:-20])
    shown = visit("train", run="bad-bear").info[0].value
    assert "The last checkpoint is from step 100" in shown
    assert "Damaged, and left out: step-200.safetensors." in shown


def test_a_damaged_plan_says_so_and_the_curves_are_shown(visit):
    run = written_run("bad-bear", "stopped", 200)
    run.plan_path.write_bytes(b"{")
    app = visit("train", run="bad-bear")
    assert "plan.json of run bad-bear is damaged" in app.error[0].value
    assert "Validation accuracy" in text_of(app)


def test_a_key_of_a_newer_version_changes_nothing(visit):
    run = written_run("new-newt", "finished", 200)
    for path in (run.status_path, run.plan_path, run.launch_path):
        path.write_text(json.dumps({**json.loads(path.read_text()), "added": {"x": [1]}}))
    app = visit("train", run="new-newt")
    assert not app.error
    assert visit("start").dataframe[0].value["state"].tolist() == ["finished"]


@pytest.mark.parametrize("screen", ["start", "train", "runs", "experiments", "data", "predict", "evaluate", "learn"])
def test_files_of_a_person_among_the_apps_own_disturb_nothing(visit, model, screen, home):
    own = "data pictures sweeps questions lessons weights .evaluations .nearest .jobs checkpoints checkpoints/.trash"
    for folder in [home / name for name in own.split()]:
        folder.mkdir(exist_ok=True)
        for name in ("notes.txt", "notes.json", "one", "one.safetensors", "one.png"):
            (folder / name).write_text("my notes")
        (folder / "loop").symlink_to("loop")
        (folder / "empty").mkdir()
    assert visit(screen).title
