"""Renaming and deleting: nothing is lost, nobody who works is disturbed, and everything can be taken back."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from filelock import FileLock

from vit import files, paths
from vit.config import RunConfig
from vit.errors import RunError
from vit.runs import keeping, launch
from vit.runs.directory import Run
from vit.runs.fork import Fork, read_fork
from vit.runs.status import Status, list_runs, write_status


@pytest.fixture
def run(home):
    return made("one")


def made(run_id: str, parent: str = "") -> Run:
    """A run that has ended."""
    run = launch.create(RunConfig(), run_id)
    files.write_json(run.launch_path, {"launched": time.time() - 60})
    write_status(run, Status(phase="stopped"))
    (run.checkpoints_path / "mine").write_bytes(b"weights")
    if parent:
        files.write_json(run.fork_path, {"parent": parent, "step": 5, "added": 1})
    return run


def content(run: Run) -> dict[str, bytes]:
    return {str(path.relative_to(run.path)): path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def names() -> list[str]:
    return sorted(state.id for state in list_runs())


def test_a_renamed_run_is_the_same_under_another_name(run):
    before = content(run)
    assert content(keeping.rename("one", "two")) == before
    assert names() == ["two"]


def test_forks_follow_their_parents_new_name_also_from_among_the_deleted(run):
    child, stranger = made("child", "one"), made("stranger", "other")
    gone = keeping.delete(made("gone", "one").id)
    keeping.rename("one", "two")
    assert read_fork(child) == Fork(parent="two", step=5)
    assert read_fork(stranger) == Fork(parent="other", step=5)
    assert read_fork(keeping.restore(gone.key)) == Fork(parent="two", step=5)


@pytest.mark.parametrize("name", ["", "../evil", "Two", "pretrained", ".trash", "con"])
def test_a_name_that_cant_be_one_is_refused(run, name):
    with pytest.raises(RunError, match="can't be a run's name"):
        keeping.rename("one", name)
    assert names() == ["one"]


def test_a_taken_name_is_refused(run):
    made("two")
    with pytest.raises(RunError, match="already a run called 'two'"):
        keeping.rename("one", "two")
    assert names() == ["one", "two"]


@pytest.mark.parametrize("change", [lambda: keeping.rename("one", "two"), lambda: keeping.delete("one")])
def test_a_run_that_lives_stays(run, change):
    write_status(run, Status(phase="training"))
    with FileLock(run.lock_path), pytest.raises(RunError, match="one is running; stop it first"):
        change()
    files.write_json(run.launch_path, {"launched": time.time()})
    write_status(run, Status(phase="stopped", updated=0))
    with pytest.raises(RunError, match="one is queued; stop it first"):  # its worker is about to come
        change()
    assert names() == ["one"]


def test_a_deleted_run_is_no_run_and_comes_back_whole(run):
    before = content(run)
    entry = keeping.delete("one")
    assert names() == []
    with pytest.raises(RunError, match="no run called"):
        Run.find("one")
    assert [found.id for found in keeping.deleted()] == ["one"]
    assert entry.size() == sum(map(len, before.values()))
    assert content(keeping.restore(entry.key)) == before
    assert (names(), keeping.deleted()) == (["one"], [])


def test_a_name_that_is_taken_by_now_gets_a_number(run):
    first = keeping.delete("one")
    second = keeping.delete(made("one").id)
    made("one")
    assert [keeping.restore(entry.key).id for entry in (first, second)] == ["one-2", "one-3"]
    assert keeping.free_id("x" * 64) == "x" * 64
    made("x" * 64)
    assert keeping.free_id("x" * 64) == "x" * 62 + "-2"


def test_the_latest_of_a_name_is_what_a_shell_restores(run):
    keeping.delete("one")
    second = keeping.delete(made("one").id)
    assert keeping.latest("one") == second
    with pytest.raises(RunError, match="no deleted run is called 'two'; there are one"):
        keeping.latest("two")


def test_what_is_erased_is_gone_and_the_rest_stays(run):
    entries = [keeping.delete("one"), keeping.delete(made("two").id)]
    keeping.erase([entries[0].key])
    assert keeping.deleted() == [entries[1]]
    assert [path.name for path in keeping.trash().iterdir()] == [entries[1].key]


@pytest.mark.parametrize("key", ["", "..", "../one", "one", "1234567890123-none", "1234567890123-../../one"])
def test_a_key_leads_nowhere_but_into_the_trash(run, key):
    for change in (keeping.restore, lambda key: keeping.erase([key])):
        with pytest.raises(RunError, match="not among the deleted"):
            change(key)
    assert names() == ["one"]


def test_of_many_who_rename_and_delete_at_once_one_wins_and_nothing_is_lost(home):
    before = content(made("one"))

    def change(number: int) -> None:
        with suppress(RunError):
            keeping.rename("one", f"n{number}") if number % 2 else keeping.delete("one")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(16)))
    found = [*list_runs(), *keeping.deleted()]
    assert len(found) == 1
    folder = next(path for root in (paths.runs_root(), keeping.trash()) for path in root.glob("[a-z0-9]*"))
    assert content(Run(folder)) == before
