"""A run as one tar: to take it away, and to open it on another machine, where it can be resumed.

An archive is foreign input. Only files that a run has are written, each within its limit, into a folder that becomes a
run at the end, when everything in it was checked. Whatever can be computed with is checked again where it is read.
"""

import io
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import psutil

from vit import files, header, images, models, paths, rules, text
from vit.data import tar
from vit.data.archives import DAMAGE, FREE_BYTES, MAX_RATIO, is_litter
from vit.errors import RunError, VitError
from vit.runs.directory import CHECKPOINT_NAME, Run, check_id
from vit.runs.keeping import free_id
from vit.runs.locks import control

MAX_FILES = 1000  # a run has up to 13 files, three checkpoints and a series of about twenty
SMALL, LONG = 1 << 20, 64 << 20  # bytes of one record; of a file that grows by lines, or an image
MOST_AT_ONCE = 500_000_000  # bytes that a server holds in memory for a browser
TEMPORARY = ".import-"
IN_RUN = ("config", "launch", "fork", "about", "expected", "status", "plan")
GROWING = ("changes.jsonl", "metrics.jsonl", "events.jsonl", "tracked.jsonl", "tracked.png", "log.txt")
LIMITS = {f"{name}.json": SMALL for name in IN_RUN} | dict.fromkeys(GROWING, LONG)
CHECKPOINT = re.compile(rf"checkpoints/(series/)?({CHECKPOINT_NAME.pattern})")


@dataclass(frozen=True)
class Imported:
    """What became of an archive: ``called`` is the run's name in it, ``left_out`` are files that a run doesn't have."""

    run: Run
    called: str
    left_out: tuple[str, ...]

    @property
    def words(self) -> str:
        """What happened, in sentences."""
        renamed = "" if self.run.id == self.called else f", because there is already a run called {self.called}"
        names = ", ".join(name[:40] for name in self.left_out[:5])
        dropped = f" Left out: {text.counted(len(self.left_out), 'file')} that no run has ({names})." if names else ""
        return f"Imported as {self.run.id}{renamed}.{dropped}"


def write(run_id: str, target: BinaryIO) -> None:
    """Write a run as a tar. It may live meanwhile: the archive then has what was complete at some moment.

    Raises:
        RunError: If there is no such run, or a file is larger than an archive may hold.
    """
    run = Run.find(run_id)
    with ExitStack() as stack, tarfile.open(fileobj=target, mode="w|") as archive:
        for name, file in _opened(run, stack):
            _add(archive, run, name, file)


def packed(run_id: str) -> bytes:
    """The archive of a run; one of more than ``MOST_AT_ONCE`` bytes is better written to a file."""
    buffer = io.BytesIO()
    write(run_id, buffer)
    return buffer.getvalue()


def _opened(run: Run, stack: ExitStack) -> list[tuple[str, BinaryIO]]:
    """The files that go into an archive, ``config.json`` first.

    All are open before one is read, because a worker removes checkpoints; and checkpoints are opened before metrics,
    because rows beyond the last checkpoint do no harm, and missing ones would.
    """
    saved = [f"checkpoints/{entry.file}" for entry in (*run.saved(), *run.series())]
    found = []
    for name in ("config.json", *saved, *list(LIMITS)[1:]):
        with suppress(FileNotFoundError):
            found.append((name, stack.enter_context((run.path / name).open("rb"))))
    return found


def _add(archive: tarfile.TarFile, run: Run, name: str, file: BinaryIO) -> None:
    stat = os.fstat(file.fileno())
    if stat.st_size > (limit := LIMITS.get(name, header.MAX_BYTES)):
        raise RunError(f"{name} of run {run.id} has {text.size(stat.st_size)}; an archive takes {text.size(limit)}")
    info = tarfile.TarInfo(f"{run.id}/{name}")
    info.size, info.mtime, info.mode = stat.st_size, int(stat.st_mtime), 0o600
    archive.addfile(info, file)  # as many bytes as it had a moment ago, also if it grows


def size(run: Run) -> int:
    """Bytes of what goes into a run's archive now."""
    with ExitStack() as stack:
        return sum(os.fstat(file.fileno()).st_size for _, file in _opened(run, stack))


def read(path: Path) -> Imported:
    """Make a run of an archive. Where its name is taken, it gets the next free one.

    Raises:
        RunError: If it is no archive of a run, is damaged, or holds what no run has; nothing is left behind then.
    """
    with opened(path) as found, control():
        run = Run(paths.runs_root() / free_id(found.called))
        os.rename(found.run.path, run.path)
    return Imported(run, found.called, found.left_out)


@contextmanager
def opened(path: Path) -> Iterator[Imported]:
    """What is in an archive, checked, in a folder that is gone afterwards.

    Raises:
        RunError: As ``read`` does.
    """
    if not tar.is_tar(path):
        raise RunError("this is not an archive of a run, which export writes as NAME.tar")
    with _temporary_folder() as folder:
        try:
            called, left_out = _unpack(path, folder)
        except RunError:
            raise
        except DAMAGE as error:  # of which ValueError is one
            raise RunError(f"the archive can't be read to its end ({error}): it may be damaged or cut off") from error
        _check(Run(folder))
        yield Imported(Run(folder), called, left_out)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder beside the runs that is gone at the end, unless it became one; those of dead processes go, too."""
    root = paths.runs_root()
    files.make_folder(root)
    for old in root.glob(f"{TEMPORARY}*"):
        writer = old.name.removeprefix(TEMPORARY).partition("-")[0]
        if writer.isdigit() and not psutil.pid_exists(int(writer)):
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}{os.getpid()}-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(path: Path, folder: Path) -> tuple[str, tuple[str, ...]]:
    """Write the files that a run has; returns what the run is called, and the names of other files."""
    most = min(shutil.disk_usage(folder).free, FREE_BYTES + MAX_RATIO * path.stat().st_size)
    called, left_out, found = "", [], set()
    (folder / "checkpoints/series").mkdir(parents=True)
    (folder / "lock").touch()
    for number, member in enumerate(tar.members(path, most), 1):
        if number > MAX_FILES:
            raise RunError(f"the archive holds more than {MAX_FILES:,} files, which no run has")
        top, _, name = member.name.partition("/")
        if member.problem or not name or ".." in name.split("/"):
            raise RunError(f"the archive holds {member.name[:80]!r}, {member.problem or 'which no run has'}")
        if is_litter(member.name):
            continue
        called = called or _checked_name(top)
        if top != called or name in found:
            raise RunError("the archive holds more than one run, or a file twice")
        found.add(name)
        limit = _limit(name)
        if limit is None:
            left_out.append(name)
        elif member.size > limit:
            raise RunError(f"{name[:80]} in it has {text.size(member.size)}; at most {text.size(limit)} are read")
        else:
            _write(member, folder / name)
    return called, tuple(left_out)


def _checked_name(name: str) -> str:
    try:
        check_id(name)
    except RunError as error:
        raise RunError(f"this is not an archive of a run: {error}") from error
    return name


def _limit(name: str) -> int | None:
    """How many bytes a file may have; None if it is none of a run's."""
    return header.MAX_BYTES if CHECKPOINT.fullmatch(name) else LIMITS.get(name)


def _write(member: tar.Member, target: Path) -> None:
    with open(target, "xb") as file:
        for chunk in member.chunks():
            file.write(chunk)


def _check(run: Run) -> None:
    """Refuse what is no run.

    Raises:
        RunError: If the configuration, a checkpoint or the tracked images are not what they should be.
    """
    if not run.config_path.is_file():
        raise RunError("the archive holds no config.json, so it is none of a run")
    try:
        rules.read(run.config_path)
        if run.tracked_image_path.exists():
            images.decode(run.tracked_image_path.read_bytes(), run.tracked_image_path.name)
        for path in run.checkpoints_path.rglob("step-*"):
            _check_checkpoint(path)
    except VitError as error:
        raise RunError(f"the archive holds no run that can be used: {error}".replace(f"{run.path}/", "")) from error


def _check_checkpoint(path: Path) -> None:
    name = CHECKPOINT_NAME.fullmatch(path.name)
    step = models.read_info(path).step
    if name and step != int(name[1]):
        raise RunError(f"{path.name} says that it is of step {step:,}")
