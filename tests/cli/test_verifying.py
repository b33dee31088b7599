"""A result that is handed in is compared with the assignment, and with what its weights reach here."""

import json
import shutil
from dataclasses import replace

import pytest

from vit import assignment, checkpoint
from vit.__main__ import main
from vit.runs import archive

TASK = {"title": "First steps", "preset": "tutorial", "locked": {"train.steps": 3, "model.embed_dim": 16}}


@pytest.fixture
def handed_in(shell, trained, monkeypatch, tmp_path):
    """The archive of the trained run, and a home with the same data."""
    monkeypatch.setenv("VIT_HOME", str(shell.home))
    path = tmp_path / "base.tar"
    path.write_bytes(archive.packed("base"))
    return path


@pytest.fixture
def verify(handed_in, tmp_path, capsys):
    def work(result=handed_in, **fields) -> tuple[int, str]:
        asked = tmp_path / "assignment.json"
        asked.write_text(json.dumps(TASK | fields))
        try:
            code = main(["verify", str(asked), str(result)])
        except SystemExit as end:
            code = end.code
        return code, capsys.readouterr().out

    return work


def test_an_honest_result_is_verified(verify):
    code, said = verify(minutes=5, goal=0.0)
    assert code == 0, said
    assert "ok  settings: 2 locked, none changed" in said
    assert "ok  val accuracy: " in said
    assert said.count("ok  ") == 4


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"locked": {"train.lr": 0.123}}, "NO  settings: train.lr is "),
        ({"minutes": 1e-6}, "NO  time: "),
        ({"goal": 1.0}, "NO  goal: "),
    ],
)
def test_what_is_not_as_assigned_is_told(verify, fields, words):
    code, said = verify(**fields)
    assert code == 1
    assert words in said


def test_a_setting_that_was_changed_while_it_trained_is_told(shell, trained):
    run = shell.run("base")
    run.changes_path.write_text(json.dumps({"step": 2, "settings": {"train.lr": 0.5}}) + "\n")
    try:
        found = assignment.read(json.dumps(TASK | {"locked": {"train.lr": 0.25}}).encode())
        assert "train.lr was changed to 0.5 at step 2" in assignment.broken_locks(found, run)
    finally:
        run.changes_path.unlink()


def test_an_accuracy_that_the_weights_do_not_reach_is_told(handed_in, verify, tmp_path):
    """Somebody writes a better accuracy into the checkpoint, with a checksum that fits."""
    run = archive.read(handed_in).run
    try:
        path = run.checkpoint_path()
        tensors, info = checkpoint.load(path)
        checkpoint.save(path, tensors, replace(info, metrics={**info.metrics, "val_accuracy": 0.99}))
        forged = tmp_path / "forged.tar"
        forged.write_bytes(archive.packed(run.id))
    finally:
        shutil.rmtree(run.path)
    code, said = verify(forged)
    assert code == 1
    assert "NO  val accuracy: 99.00% told" in said


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"title": "x"}',
        b'{"title": "x", "preset": "none"}',
        b'{"title": "x", "preset": "tutorial", "locked": {"train.speed": 1}}',
        b'{"title": "x", "preset": "tutorial", "locked": {"train.lr": -1}}',
        b'{"title": "x", "preset": "tutorial", "goal": 7}',
        b'{"title": "x", "preset": "tutorial", "minutes": NaN}',
        b"[" * 200_000,
    ],
)
def test_what_is_no_assignment_is_refused_in_a_sentence(home, tmp_path, capsys, content):
    file = tmp_path / "assignment.json"
    file.write_bytes(content)
    assert main(["verify", str(file), "absent.tar"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Traceback" not in said


def test_an_assignment_is_what_was_written():
    found = assignment.Assignment(title="One", preset="1-minute", locked={"train.lr": 0.01}, minutes=3, goal=0.5)
    assert assignment.read(found.encode()) == found
