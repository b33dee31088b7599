"""A run's folder is input: whatever is in it, lists and pages work, and the newest whole checkpoint is found."""

import json
import random
from contextlib import suppress

import pytest
from worlds import saved, small_saved, written_run

from vit import checkpoint
from vit.errors import VitError
from vit.rules import read
from vit.runs import commands, compare
from vit.runs.about import write_about
from vit.runs.changes import read_changes
from vit.runs.directory import Event, read_records
from vit.runs.fork import read_fork
from vit.runs.metrics import curve, read_metrics
from vit.runs.plan import read_plan
from vit.runs.status import active, list_runs, state_of
from vit.runs.summary import Summaries, summarize
from vit.runs.tracked import read_tracked

FILES = "config.json launch.json status.json plan.json metrics.jsonl events.jsonl tracked.jsonl about.json".split()
WRONG = [None, True, -1, 0, 1.5, 1e300, 10**400, "text", "", [], {}, [[]], {"a": {"b": 1}}, "NaN", "Infinity"]
STEP = 100
MOST_PLACES = 700  # of a longer file, drawn by a seed


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run with a checkpoint and a frame; every test puts back what it changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIT_HOME", str(tmp_path_factory.mktemp("home")))
        found = written_run("one", "stopped", STEP)
        saved(found, STEP)
        small_saved(found, 0)
        write_about("one", "a note", ["tag"])
        yield found


def read_everything(run) -> None:
    """All that a page, a command or a worker reads; only a named error may come."""
    listed = {state.id: state for state in list_runs()}
    assert "one" in listed or not run.config_path.is_file()
    json.dumps([state.to_json() for state in listed.values()], allow_nan=False)
    active()
    assert state_of(run).progress <= 1
    assert list(summarize(run).accuracies) == curve(read_metrics(run), "val_accuracy")[1]
    assert [found.id for found in Summaries().read()] == list(listed)
    compare.settings(run)
    [event.text.upper() for event in read_records(run.events_path, Event)]
    commands.waiting(run)
    read_changes(run)
    read_fork(run)
    with suppress(VitError):
        read(run.config_path)
    with suppress(VitError):
        plan = read_plan(run)
        read_tracked(run, plan) if plan else None
    assert [entry.step for entry in run.saved()] == [STEP]
    assert run.best().step == STEP
    assert [entry.step for entry in run.series()] == [0]


@pytest.fixture
def path(run, request):
    """A file of the run, which is as before after the test."""
    found = run.path / request.param
    whole = found.read_bytes()
    yield found
    found.rmdir() if found.is_dir() else found.unlink(missing_ok=True)
    found.write_bytes(whole)


every_file = pytest.mark.parametrize("path", FILES, indirect=True)


@pytest.mark.slow
@every_file
def test_cut_or_changed_at_every_byte(run, path):
    whole, dice = path.read_bytes(), random.Random(path.name)
    places = range(len(whole)) if len(whole) < MOST_PLACES else sorted(dice.sample(range(len(whole)), MOST_PLACES))
    for place in places:
        path.write_bytes(whole[:place])
        read_everything(run)
        path.write_bytes(whole[:place] + bytes([dice.randrange(256)]) + whole[place + 1 :])
        read_everything(run)


def variants(value):
    """A JSON value with every part of it replaced by what doesn't belong there, or with one more key."""
    yield from WRONG
    if isinstance(value, dict):
        yield value | {"added by a newer version": {"x": [1]}}
        for key, inner in value.items():
            yield {other: value[other] for other in value if other != key}
            yield from (value | {key: wrong} for wrong in variants(inner))
    if isinstance(value, list) and value:
        yield value * 2
        yield from ([wrong, *value[1:]] for wrong in variants(value[0]))


LONGEST = pytest.param(FILES[0], marks=pytest.mark.slow)


@pytest.mark.parametrize("path", [LONGEST, *FILES[1:]], indirect=True)
def test_values_of_every_wrong_kind(run, path):
    whole = path.read_text()
    lines = whole.splitlines() if path.suffix == ".jsonl" else [whole]
    for wrong in variants(json.loads(lines[-1])):
        text = json.dumps(wrong).replace('"NaN"', "NaN").replace('"Infinity"', "Infinity")
        path.write_text("".join(line + "\n" for line in (*lines[:-1], text)))
        read_everything(run)


@every_file
def test_another_thing_than_a_file(run, path):
    path.unlink()
    read_everything(run)
    path.mkdir()
    read_everything(run)
    path.rmdir()
    for target in ("/dev/null", path):
        path.symlink_to(target)
        read_everything(run)
        path.unlink()


@every_file
@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000, b"1" * 100_000], ids=["list", "dict", "number"])
def test_nesting_without_end(run, path, text):
    path.write_bytes(text + b"\n")
    read_everything(run)


def test_whatever_else_lies_among_the_checkpoints_stays(run):
    others = ["notes.txt", "step-x.safetensors", "step-7.safetensors.bak", "journal.jsonl"]
    for name in others:
        (run.checkpoints_path / name).write_bytes(b"mine")
    read_everything(run)
    assert all((run.checkpoints_path / name).read_bytes() == b"mine" for name in others)


def test_a_damaged_checkpoint_is_refused_and_the_one_before_it_can_be_used(run):
    newest = run.checkpoints_path / "step-30.safetensors"
    content = bytearray((run.checkpoints_path / f"step-{STEP}.safetensors").read_bytes())
    content[-9] ^= 1
    newest.write_bytes(content)
    try:
        with pytest.raises(VitError, match="damaged"):
            checkpoint.load(newest)
        assert checkpoint.load(run.checkpoint_path(str(STEP)))
    finally:
        newest.unlink()
