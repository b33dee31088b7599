"""Renaming runs, deleting them so that it can be undone, and giving them back.

A deleted run is its folder in ``.trash/``, beside the runs, called by when it was deleted and by its name.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from vit import files, paths, processes
from vit.errors import RunError
from vit.runs.directory import RESERVED_IDS, Run, check_id, read_json
from vit.runs.locks import control
from vit.runs.status import state_of

KEY = re.compile(rf"(\d{{13}})-({paths.NAME.pattern})")
ID_LENGTH = 64
ERASED = ".erased-"


@dataclass(frozen=True)
class Deleted:
    """A run in the trash: ``key`` is its folder's name there, ``id`` what the run was called."""

    key: str
    id: str
    time: float  # Unix time at which it was deleted

    def size(self) -> int:
        """Bytes that emptying the trash would free."""
        return sum(path.stat().st_size for path in (trash() / self.key).rglob("*") if path.is_file())


def rename(run_id: str, new_id: str) -> Run:
    """Give a run another name. Runs that were forked from it name it by the new one from then on.

    Raises:
        RunError: If the run lives, or the name is taken or can't be one.
    """
    check_id(new_id)
    with _untouched(run_id, "rename") as run:
        target = Run(paths.runs_root() / new_id)
        if target.path.exists():
            raise RunError(f"there is already a run called {new_id!r}; choose another name")
        os.rename(run.path, target.path)
        for child in _folders():
            _adopt(Run(child), run_id, new_id)
    return target


def _folders() -> list[Path]:
    """Of every run, deleted ones included, because they may come back."""
    found = [folder for root in (paths.runs_root(), trash()) if root.is_dir() for folder in root.iterdir()]
    return [folder for folder in found if paths.NAME.fullmatch(folder.name)]


def _adopt(child: Run, old: str, new: str) -> None:
    """Let a fork name its parent by its new name."""
    fork = read_json(child.fork_path)
    if fork and fork.get("parent") == old:
        files.write_json(child.fork_path, fork | {"parent": new})


def delete(run_id: str) -> Deleted:
    """Move a run to the trash.

    Raises:
        RunError: If there is no such run, or it lives.
    """
    with _untouched(run_id, "delete") as run:
        files.make_folder(trash())
        now = time.time_ns() // 10**6
        while (trash() / f"{now}-{run_id}").exists():
            now += 1
        os.rename(run.path, trash() / f"{now}-{run_id}")
    return Deleted(f"{now}-{run_id}", run_id, now / 1000)


def restore(key: str) -> Run:
    """Take a run out of the trash; where its name is taken by now, it gets the next free one.

    Raises:
        RunError: If it isn't there.
    """
    with control():
        found = _find(key)
        run = Run(paths.runs_root() / free_id(found.id))
        os.rename(trash() / key, run.path)
    return run


def deleted() -> list[Deleted]:
    """The runs in the trash, the latest first."""
    names = sorted((path.name for path in trash().iterdir()), reverse=True) if trash().is_dir() else []
    return [Deleted(name, found[2], int(found[1]) / 1000) for name in names if (found := KEY.fullmatch(name))]


def latest(run_id: str) -> Deleted:
    """The run of that name that was deleted last.

    Raises:
        RunError: If there is none.
    """
    found = next((entry for entry in deleted() if entry.id == run_id), None)
    if found is None:
        raise RunError(f"no deleted run is called {run_id[:80]!r}; there are {_names() or 'none'}")
    return found


def erase(keys: list[str]) -> None:
    """Delete runs of the trash for good.

    Raises:
        RunError: If one isn't there.
    """
    with control():
        for key in keys:
            os.rename(trash() / _find(key).key, trash() / f"{ERASED}{key}")  # so that none comes back as a half
    for folder in trash().glob(f"{ERASED}*"):  # those of an earlier call that was interrupted, too
        shutil.rmtree(folder, ignore_errors=True)


def free_id(wanted: str) -> str:
    """``wanted``, or with the smallest number behind it that makes it a free name: ``quick-otter-2``.

    To be called under ``control()``, or somebody else may take the name.
    """
    name, number = wanted, 1
    while name in RESERVED_IDS or (paths.runs_root() / name).exists():
        number += 1
        name = f"{wanted[: ID_LENGTH - len(str(number)) - 1]}-{number}"
    return name


def trash() -> Path:
    return paths.runs_root() / ".trash"


def _find(key: str) -> Deleted:
    found = next((entry for entry in deleted() if entry.key == key), None)
    if found is None:
        raise RunError(f"{key[:80]!r} is not among the deleted runs; it was restored or deleted for good")
    return found


def _names() -> str:
    return ", ".join(dict.fromkeys(entry.id for entry in deleted()))


@contextmanager
def _untouched(run_id: str, verb: str) -> Iterator[Run]:
    """A run that nobody works on, and that nobody can begin to work on meanwhile."""
    with control():
        run = Run.find(run_id)
        state = state_of(run)
        if state.is_alive:
            raise RunError(f"run {run_id} is {state.state}; stop it first, then {verb} it")
        try:
            lock = processes.hold(run.lock_path)
        except Timeout as error:
            raise RunError(f"run {run_id} is being started; stop it first, then {verb} it") from error
        if os.name == "nt":
            lock.release()  # Windows moves no folder in which a file is open
        try:
            yield run
        finally:
            lock.release()
