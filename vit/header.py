"""The text in the header of a safetensors file, read without torch and without the tensors behind it."""

from pathlib import Path

from safetensors import SafetensorError, safe_open

from vit.errors import CheckpointError

MAX_HEADER_BYTES = 4_000_000


def read_metadata(path: Path) -> dict[str, str]:
    """The text fields in a safetensors header; the numpy framework, because torch would take a second to import.

    Raises:
        CheckpointError: If the file can't be read or isn't safetensors.
    """
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER_BYTES:
            raise SafetensorError(f"its header claims {length:,} bytes")
        with safe_open(path, framework="numpy") as stored:
            return stored.metadata() or {}
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror or error}") from error
    except SafetensorError as error:
        raise CheckpointError(f"{path.name} is damaged or not a safetensors checkpoint") from error
