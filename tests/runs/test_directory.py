"""A run's folder: names that can't escape, checkpoints that exist, files half-written by a dying process."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vit import paths
from vit.config import RunConfig
from vit.errors import RunError
from vit.runs import launch
from vit.runs.directory import RUN_ID, Run, check_id, read_json, read_lines


def journal(run: Run, *entries: tuple[int, float | None]) -> None:
    """Write checkpoints of (step, val accuracy) by hand."""
    for step, accuracy in entries:
        file = f"step-{step}.safetensors"
        (run.checkpoints_path / file).write_bytes(b"x")
        line = {"step": step, "epoch": 0.0, "file": file, "sha256": "", "bytes": 1}
        with open(run.journal_path, "a") as out:
            out.write(json.dumps(line | {"val_accuracy": accuracy, "val_loss": None}) + "\n")


@pytest.mark.parametrize(
    "name", ["", "../evil", "a/b", "A", "con\n", "-x", ".hidden", "x" * 65, "pretrained", "a\0b", "é"]
)
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
    assert RUN_ID.fullmatch(name)


def test_the_best_checkpoint_is_the_earliest_with_the_highest_val_accuracy(home):
    run = launch.create(RunConfig(), "one")
    journal(run, (10, 0.3), (20, 0.5), (30, 0.5), (40, None))
    assert run.best().step == 20
    assert run.checkpoint_path().name == "step-20.safetensors"
    assert run.checkpoint_path("last").name == "step-40.safetensors"
    assert run.checkpoint_path("30").name == "step-30.safetensors"


def test_a_checkpoint_whose_file_is_gone_does_not_count(home):
    run = launch.create(RunConfig(), "one")
    journal(run, (10, 0.3), (20, 0.5))
    (run.checkpoints_path / "step-20.safetensors").unlink()
    assert [saved.step for saved in run.saved()] == [10]
    with pytest.raises(RunError, match="it has 10, last, best"):
        run.checkpoint_path("20")


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
