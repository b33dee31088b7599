"""CIFAR-10 in its official layout, ``cifar-10-batches-py``, read without running what its pickles say.

Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images (https://www.cs.toronto.edu/~kriz/cifar.html).
"""

import io
import pickle
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from vit.data import archives
from vit.errors import DataError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = {**{f"data_batch_{number}": "train" for number in range(1, 6)}, "test_batch": "test"}
SIDE = 32
MAX_BATCH_BYTES = 40_000_000  # the official ones have 31
# What a damaged or hostile pickle can raise in the reader.
DAMAGE = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
    struct.error,
)


def is_official(names: Iterable[str]) -> bool:
    """Whether these files are CIFAR-10 in its official layout."""
    return {"data_batch_1", "test_batch"} <= {name.rsplit("/", 1)[-1] for name in names}


def read_batches(path: Path) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Read all batches from a folder or archive.

    Returns:
        (split, images uint8 (n, 3, 32, 32), labels int64 (n,)) for each batch, in the official order.

    Raises:
        DataError: If a batch is missing, damaged or not what it should be.
    """
    found = {}
    for entry in archives.entries(path):
        name = entry.name.rsplit("/", 1)[-1]
        if name in BATCHES and not entry.problem:
            try:
                found[name] = (BATCHES[name], *parse(entry.read()))
            except (*DAMAGE, archives.MemberError) as error:
                raise DataError(f"{entry.name} is not a CIFAR-10 batch ({error}): download CIFAR-10 again.") from error
    if missing := [name for name in BATCHES if name not in found]:
        raise DataError(f"{path.name} lacks {', '.join(missing)}: download CIFAR-10 again.")
    return [found[name] for name in BATCHES]


def parse(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one batch file.

    Raises:
        ValueError: If the content is something else; a pickle that is broken or asks for anything but an array
            raises one of ``DAMAGE``.
    """
    if len(content) > MAX_BATCH_BYTES:
        raise ValueError(f"it has {len(content):,} bytes")
    record = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    if not isinstance(record, dict):
        raise ValueError("it holds no record")
    record = {key.decode() if isinstance(key, bytes) else key: value for key, value in record.items()}
    labels = record["labels"]
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):  # lists in lists explode
        raise ValueError("its labels are not a list of numbers")
    pixels, labels = record["data"].array(), np.array(labels, np.int64)
    if pixels.shape != (len(labels), 3 * SIDE * SIDE) or not len(labels):
        raise ValueError(f"pixels of shape {pixels.shape} for {len(labels)} labels")
    if labels.min() < 0 or labels.max() >= len(CLASSES):
        raise ValueError(f"labels from {labels.min()} to {labels.max()}")
    return pixels.reshape(-1, 3, SIDE, SIDE), labels


class _Inert:
    """Stands in for whatever a pickle builds: remembers what it was given and does nothing."""

    def __init__(self, *arguments):
        self.arguments = arguments
        self.state: tuple = ()

    def __setstate__(self, state):
        self.state = state

    def array(self) -> np.ndarray:
        """The uint8 array that this stands for, from its raw bytes."""
        _, shape, dtype, is_fortran, raw = self.state
        if dtype.arguments[0] not in ("u1", b"u1") or is_fortran or not isinstance(raw, bytes):
            raise ValueError("its pixels are not plain bytes")
        return np.frombuffer(raw, np.uint8).reshape(shape)


class _Unpickler(pickle._Unpickler):  # in Python: the one in C makes room for whatever number a value is stored under
    """Knows three names of numpy and one of codecs, and none of them does anything."""

    KNOWN = {
        ("numpy.core.multiarray", "_reconstruct"): _Inert,
        ("numpy._core.multiarray", "_reconstruct"): _Inert,
        ("numpy", "ndarray"): _Inert,
        ("numpy", "dtype"): _Inert,
    }

    _left = MAX_BATCH_BYTES  # that may be made from text

    def find_class(self, module: str, name: str):
        if (module, name) == ("_codecs", "encode"):
            return self._encode
        if (module, name) not in self.KNOWN:
            raise pickle.UnpicklingError(f"it asks to run {module}.{name}")
        return self.KNOWN[module, name]

    def _encode(self, text: str, encoding: str) -> bytes:
        """How Python 3 writes bytes into an old pickle."""
        self._left -= len(text)
        if encoding not in ("latin1", b"latin1") or self._left < 0:
            raise ValueError(f"{len(text):,} characters encoded as {encoding}")
        return text.encode("latin1")
