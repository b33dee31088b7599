"""A run's folder: names that can't escape, checkpoints that exist, files half-written by a dying process."""

import json
import os
from pathlib import PureWindowsPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from vit import paths
from vit.config import RunConfig
from vit.errors import RunError
from vit.runs import launch
from vit.runs.directory import Run, check_id, read_json, read_lines


def described(step: int, val_accuracy: float | None = None, val_loss: float | None = None, **more) -> dict:
    metrics = {"val_accuracy": val_accuracy, "val_loss": val_loss, "seconds": 1.0}
    return {"step": step, "epoch": 0.5, "metrics": metrics, **more}


def put(run: Run, name: str, description: object) -> None:
    """Write a safetensors file with a description."""
    metadata = {"vit": description if isinstance(description, str) else json.dumps(description)}
    save_file({"x": np.zeros(1)}, run.checkpoints_path / name, metadata)


def saved(run: Run, *entries: tuple) -> None:
    """Write checkpoints of (step, val accuracy), or of (step, val accuracy, val loss)."""
    for step, *figures in entries:
        put(run, f"step-{step}.safetensors", described(step, *figures))


REFUSED = ["", "../evil", "a/b", "A", "con\n", "-x", ".hidden", "x" * 65, "pretrained", "a\0b", "é", "a.", "a..", "."]
DEVICES = ["con", "nul", "com1", "lpt9.txt", "aux.a"]  # of Windows


@pytest.mark.parametrize("name", [*REFUSED, *DEVICES])
def test_a_name_that_could_leave_the_runs_folder_is_refused(name):
    with pytest.raises(RunError, match="can't be a run's name"):
        check_id(name)


@given(st.text(max_size=80))
def test_any_accepted_name_is_a_plain_folder_of_the_runs_root(name):
    try:
        check_id(name)
    except RunError:
        return
    assert (paths.runs_root() / name).parent == paths.runs_root()
    assert not PureWindowsPath(name).is_reserved()


def test_the_best_checkpoint_is_the_earliest_with_the_highest_val_accuracy(home):
    run = launch.create(RunConfig(), "one")
    saved(run, (10, 0.3), (20, 0.5), (30, 0.5), (40, None))
    assert run.best().step == 20
    assert run.checkpoint_path().name == "step-20.safetensors"
    assert run.checkpoint_path("last").name == "step-40.safetensors"
    assert run.checkpoint_path("30").name == "step-30.safetensors"


def test_of_equal_accuracies_the_lowest_loss_is_best_and_then_the_earliest(home):
    run = launch.create(RunConfig(), "one")
    saved(run, (8, 1.0, 0.74), (16, 1.0, 0.07), (24, 1.0, 0.07), (32, 0.9, 0.01), (40, 1.0))
    assert run.best().step == 16


def test_a_checkpoint_whose_file_is_gone_does_not_count(home):
    run = launch.create(RunConfig(), "one")
    saved(run, (10, 0.3), (20, 0.5))
    (run.checkpoints_path / "step-20.safetensors").unlink()
    assert [entry.step for entry in run.saved()] == [10]
    with pytest.raises(RunError, match="it has 10, last, best"):
        run.checkpoint_path("20")


def test_what_lies_in_the_folder_is_what_there_is(home):
    """No list beside the files can be lost, or name a file elsewhere."""
    run = launch.create(RunConfig(), "one")
    saved(run, (10, 0.3), (9, None), (100, 0.2))
    found = [(entry.step, entry.file, entry.epoch, entry.val_accuracy) for entry in run.saved()]
    assert found == [
        (9, "step-9.safetensors", 0.5, None),
        (10, "step-10.safetensors", 0.5, 0.3),
        (100, "step-100.safetensors", 0.5, 0.2),
    ]


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("step-07.safetensors", described(7)),
        ("step--7.safetensors", described(7)),
        ("step-7.safetensors.tmp", described(7)),
        ("step-1234567890123.safetensors", described(7)),
        ("step-7.safetensors", "not json"),
        ("step-7.safetensors", {"step": 7}),
        ("step-7.safetensors", described(7, val_accuracy="much")),
        ("step-7.safetensors", described(7, epoch=None)),
        ("step-7.safetensors", '{"epoch": NaN, "metrics": {}}'),
    ],
)
def test_a_file_that_is_no_checkpoint_is_left_out(home, name, description):
    run = launch.create(RunConfig(), "one")
    put(run, name, description)
    saved(run, (10, 0.3))
    assert [entry.step for entry in run.saved()] == [10]


def test_a_checkpoint_that_a_newer_version_wrote_is_listed(home):
    run = launch.create(RunConfig(), "one")
    put(run, "step-7.safetensors", described(7, 0.5, license="MIT"))
    assert run.best().step == 7


def test_a_checkpoint_that_is_written_anew_is_read_anew(home):
    run = launch.create(RunConfig(), "one")
    saved(run, (10, 0.3))
    assert run.best().val_accuracy == 0.3
    saved(run, (10, 0.45))
    assert run.best().val_accuracy == 0.45


def test_a_line_that_is_still_being_written_is_left_out(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"step": 1}\nnot json\n[1]\n{"step": 2}\n{"step": 3')
    assert read_lines(path) == [{"step": 1}, {"step": 2}]


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b"\xff"])
def test_a_damaged_status_reads_as_none(tmp_path, content):
    path = tmp_path / "status.json"
    if content is not None:
        path.write_bytes(content)
    assert read_json(path) is None


@pytest.mark.parametrize("name", ["console", "a.b", "nullable", "com", "lpt", "1", "a" * 64, "con-1"])
def test_a_plain_name_is_accepted(name):
    check_id(name)


def test_an_empty_name_is_refused_and_not_replaced(home):
    with pytest.raises(RunError, match="can't be a run's name"):
        launch.launch(RunConfig(), "")


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_run_can_be_read_by_its_owner_alone(home):
    old = os.umask(0)
    try:
        run = launch.create(RunConfig(), "one")
    finally:
        os.umask(old)
    assert run.path.stat().st_mode & 0o077 == 0
