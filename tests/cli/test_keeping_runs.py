"""``runs ACTION`` on a command line: what it says, what it refuses, and that a run resumes where it was taken to."""

import json
import time

import pytest
from safetensors import safe_open
from shells import Shell, settings, wait_until

from vit import files
from vit.__main__ import main
from vit.config import RunConfig
from vit.runs import launch
from vit.runs.directory import read_lines
from vit.runs.status import Status, write_status


@pytest.fixture
def run(home):
    """A run that has ended."""
    found = launch.create(RunConfig(), "one")
    files.write_json(found.launch_path, {"launched": time.time() - 60})
    write_status(found, Status(phase="stopped"))
    return found


@pytest.fixture
def say(capsys):
    """What a command prints on stdout."""

    def work(*words) -> str:
        assert main(["runs", *map(str, words)]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return work


def test_a_run_is_renamed_noted_deleted_restored_and_taken_away(run, say, tmp_path):
    assert say("rename", "one", "two") == "one is called two now\n"
    assert say("note", "two", "lr too high", "--tags", "a, b") == "lr too high\ntags: a, b\n"
    assert say("note", "two") == "lr too high\ntags: a, b\n"
    (entry,) = json.loads(say("--json"))
    assert (entry["id"], entry["note"], entry["tags"]) == ("two", "lr too high", ["a", "b"])
    assert say("export", "two", "--out", tmp_path / "two.tar") == f"wrote {tmp_path / 'two.tar'}\n"
    assert "restore two" in say("delete", "two")
    assert say("deleted").startswith("two ")
    assert say("import", tmp_path / "two.tar") == "Imported as two.\n"
    assert say("restore", "two") == "two-2 is back\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("rename one one", "already a run called"),
        ("delete two", "no run called 'two'"),
        ("restore one", "no deleted run is called 'one'; there are none"),
        ("import absent.tar", "there is no file absent.tar"),
        ("import config.json", "not an archive of a run"),
        ("export one --out absent/one.tar", "the folder absent does not exist"),
        ("note one --tags " + ",".join("abcdefghijklm"), "at most 12"),
    ],
)
def test_a_mistake_is_one_line(run, capsys, monkeypatch, words, expected):
    monkeypatch.chdir(run.path)
    assert main(["runs", *words.split()]) == 2
    said = capsys.readouterr()
    assert expected in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)


@pytest.mark.slow
def test_a_run_that_is_taken_away_resumes_there_with_the_same_bits(shell, tmp_path):
    elsewhere = Shell(tmp_path / "elsewhere")
    shell.text("train", "--preset", "tutorial", *settings(), "--steps", 1200, "--run", "taken")
    run = shell.run("taken")
    wait_until(lambda: run.metrics_path.is_file() and read_lines(run.metrics_path)[1:])
    shell.text("stop", "taken")
    assert 0 < run.saved()[-1].step < 1200
    shell.text("runs", "export", "taken", "--out", tmp_path / "taken.tar")
    elsewhere.text("runs", "import", tmp_path / "taken.tar")
    for home in (shell, elsewhere):
        home.text("resume", "taken", "--follow")
    ends = [home.run("taken").checkpoints_path / "step-1200.safetensors" for home in (shell, elsewhere)]
    here, there = (safe_open(path, "np") for path in ends)
    assert sorted(here.keys()) == sorted(there.keys())
    assert all((here.get_tensor(name) == there.get_tensor(name)).all() for name in here.keys())  # noqa: SIM118
