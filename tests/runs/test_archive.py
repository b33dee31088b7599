"""A run leaves as one file and comes back as it was; what an attacker packs becomes no run and leaves nothing."""

import io
import shutil
import tarfile
import time

import pytest
from filelock import FileLock
from hostile_runs import hostile_runs, member, packed
from worlds import saved, small_saved, written_run

from vit import checkpoint, files, paths
from vit.errors import RunError
from vit.runs import archive
from vit.runs.about import write_about
from vit.runs.directory import Run
from vit.runs.status import Status, list_runs, state_of, write_status


@pytest.fixture
def run(home):
    found = written_run("one", "stopped", 200)
    files.write_json(found.launch_path, {"launched": time.time() - 60, "preset": "1-minute", "data": "shapes"})
    saved(found, 100)
    saved(found, 200, seed=1)
    small_saved(found, 0)
    write_about("one", "a note", ["tag"])
    files.write_json(found.fork_path, {"parent": "other", "step": 50})
    return found


def exported(run: Run, tmp_path):
    path = tmp_path / "one.tar"
    with path.open("wb") as file:
        archive.write(run.id, file)
    return path


def content(run: Run) -> dict[str, bytes]:
    return {str(path.relative_to(run.path)): path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def test_it_comes_back_byte_for_byte_in_another_home(run, tmp_path, monkeypatch):
    path, before = exported(run, tmp_path), content(run)
    monkeypatch.setenv("VIT_HOME", str(tmp_path / "elsewhere"))
    found = archive.read(path)
    assert (found.run.id, found.left_out) == ("one", ())
    assert content(found.run) == before
    assert found.words == "Imported as one."
    assert [entry.step for entry in found.run.saved()] == [100, 200]
    assert state_of(found.run).state == "stopped"
    assert archive.size(found.run) == sum(len(whole) for name, whole in before.items() if name != "lock")


def test_what_is_only_of_this_machine_stays_here(run, tmp_path):
    (run.path / "command").write_text("stop")
    (run.path / ".status.json.1.tmp").write_text("{")
    (run.checkpoints_path / "notes.txt").write_text("mine")
    with tarfile.open(exported(run, tmp_path)) as tar:
        names = tar.getnames()
    assert names[0] == "one/config.json"
    assert not [name for name in names if "lock" in name or "command" in name or "tmp" in name or "notes" in name]


def test_a_taken_name_gets_a_number_and_is_told(run, tmp_path):
    found = archive.read(exported(run, tmp_path))
    assert found.run.id == "one-2"
    assert found.words == "Imported as one-2, because there is already a run called one."
    assert sorted(state.id for state in list_runs()) == ["one", "one-2"]


def test_a_run_that_trains_is_interrupted_where_it_is_opened(run, tmp_path):
    with FileLock(run.lock_path):
        write_status(run, Status(phase="training", step=200, updated=time.time()))
        path = exported(run, tmp_path)
        assert state_of(run).state == "running"
    assert state_of(archive.read(path).run).state == "interrupted"


def test_files_that_no_run_has_are_left_out_and_told(run, tmp_path):
    path = exported(run, tmp_path)
    with tarfile.open(path, "a") as tar:
        for name in ("one/evil.py", "one/lock", "one/commands/stop", "one/.DS_Store", "one/checkpoints/x.pt"):
            tar.addfile(*member(name, b"x"))
    found = archive.read(path)
    assert found.left_out == ("evil.py", "lock", "commands/stop", "checkpoints/x.pt")
    assert "Left out: 4 files that no run has (evil.py, lock" in found.words
    assert content(found.run) == content(run)


@pytest.mark.parametrize("suffix", ["gz", "xz", "bz2"])
def test_one_that_was_compressed_on_the_way_is_read(run, tmp_path, suffix):
    path = tmp_path / f"one.tar.{suffix}"
    with tarfile.open(path, f"w:{suffix}") as tar:
        tar.add(run.path, "one", filter=lambda info: None if info.name.endswith("lock") else info)
    assert content(archive.read(path).run) == content(run)


def test_a_file_beyond_its_limit_is_refused_at_both_ends(run, tmp_path, monkeypatch):
    path = exported(run, tmp_path)
    monkeypatch.setitem(archive.LIMITS, "metrics.jsonl", 100)
    with pytest.raises(RunError, match=r"metrics.jsonl of run one has .* an archive takes 100 B"):
        archive.write("one", io.BytesIO())
    with pytest.raises(RunError, match="at most 100 B"):
        archive.read(path)


def leftovers() -> list[str]:
    return [path.name for path in paths.runs_root().glob("*") if path.name != ".control.lock"]


@pytest.mark.parametrize(("name", "make"), list(hostile_runs()), ids=lambda part: part if isinstance(part, str) else "")
def test_a_hostile_archive_becomes_no_run_and_leaves_nothing(home, tmp_path, name, make):
    canary = tmp_path / "canary"
    canary.write_text("alive")
    path = tmp_path / "evil.tar"
    make(path)
    start = time.process_time()
    with pytest.raises(RunError) as refusal:
        archive.read(path)
    assert time.process_time() - start < 5
    assert str(tmp_path) not in str(refusal.value)
    assert leftovers() == []
    assert {entry.name for entry in tmp_path.iterdir()} <= {"canary", "checkpoints", "evil.tar"}
    assert canary.read_text() == "alive"


def test_what_a_killed_import_left_goes_with_the_next(run, tmp_path):
    path, dead = exported(run, tmp_path), paths.runs_root() / f"{archive.TEMPORARY}999999999-x"
    dead.mkdir()
    shutil.rmtree(run.path)
    archive.read(path)
    assert leftovers() == ["one"]


def test_a_checkpoint_whose_weights_were_changed_on_the_way_is_refused_when_it_is_used(run, tmp_path):
    """The header is checked at once; the weights are when they are loaded, as they always are."""
    path = exported(run, tmp_path)
    whole = bytearray(path.read_bytes())
    with tarfile.open(path) as tar:
        info = tar.getmember("one/checkpoints/step-200.safetensors")
    whole[info.offset_data + info.size - 9] ^= 1
    path.write_bytes(whole)
    found = archive.read(path).run
    with pytest.raises(ValueError, match="damaged"):
        checkpoint.load(found.checkpoint_path("200"))


def test_an_archive_made_by_hand_needs_little(home, tmp_path):
    path = tmp_path / "x.tar"
    path.write_bytes(packed({"config.json": b'{"train": {"steps": 5}}', "launch.json": b'{"launched": 1}'}))
    assert state_of(archive.read(path).run).state == "interrupted"
