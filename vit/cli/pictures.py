"""Reading the pictures that are named on a command line."""

from pathlib import Path

from vit import images
from vit.errors import ImageError
from vit.images import DecodedImage


def read_picture(path: Path) -> DecodedImage:
    """Decode a picture file.

    Raises:
        ImageError: If it is missing, can't be read, or isn't a picture.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} can't be read: {error.strerror}") from error
    return images.decode(content, path.name)
