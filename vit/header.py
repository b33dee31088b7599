"""The header of a safetensors file, read without torch and without the tensors behind it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open

from vit import text
from vit.errors import CheckpointError

MAX_BYTES = 32 * 10**9  # weights, their average and AdamW's moments of two billion parameters
MAX_HEADER_BYTES = 4_000_000


class StoredTensor(NamedTuple):
    """A tensor as the header of a file describes it."""

    dtype: str  # safetensors' word, such as ``F32``
    shape: tuple[int, ...]


def read_metadata(path: Path) -> dict[str, str]:
    """The text fields in a safetensors header.

    Raises:
        CheckpointError: If the file can't be read or isn't safetensors.
    """
    with _opened(path) as stored:
        return stored.metadata() or {}


def read_tensors(path: Path) -> dict[str, StoredTensor]:
    """What the header says of each tensor, by name; none is read.

    Raises:
        CheckpointError: If the file can't be read or isn't safetensors.
    """
    with _opened(path) as stored:
        parts = {name: stored.get_slice(name) for name in stored.offset_keys()}
        return {name: StoredTensor(part.get_dtype(), tuple(part.get_shape())) for name, part in parts.items()}


@contextmanager
def _opened(path: Path) -> Iterator[safe_open]:
    """Its header, checked; through the numpy framework, because torch would take a second to import."""
    try:
        with open(path, "rb") as file:
            size, length = os.fstat(file.fileno()).st_size, int.from_bytes(file.read(8), "little")
        if size > MAX_BYTES:
            raise CheckpointError(f"{path.name} has {text.size(size)}; at most {text.size(MAX_BYTES)} are read")
        if length > MAX_HEADER_BYTES:
            raise SafetensorError(f"its header claims {length:,} bytes")
        with safe_open(path, framework="numpy") as stored:
            yield stored
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise CheckpointError(f"{path.name} has {text.size(size)}, which is more memory than is free") from error
    except SafetensorError as error:
        raise CheckpointError(f"{path.name} is damaged or not a safetensors checkpoint") from error
