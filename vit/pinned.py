"""Images that a person has pinned, to be looked at again with every model: one PNG each, name and class inside."""

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vit import files, images, paths
from vit.errors import ImageError
from vit.images import DecodedImage

MOST = 24
SIDE = 1024  # pixels of the shorter side; larger images are kept smaller
NAME_LENGTH = 80
ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Pinned:
    """A pinned image: ``id`` names its file, ``label`` is its class where that is known, ``owner`` who pinned it."""

    id: str
    name: str
    label: str | None
    owner: str = ""

    @property
    def path(self) -> Path:
        return _path(self.id)

    def read(self) -> DecodedImage:
        """Decode it, with the checks that every image passes.

        Raises:
            ImageError: If the file is damaged or gone.
        """
        try:
            return images.decode(self.path.read_bytes(), self.name)
        except OSError as error:
            words = f"{self.name} can't be read: it was unpinned, or its file moved. Choose another."
            raise ImageError(words) from error


def id_of(key: str, owner: str = "") -> str:
    """The id under which an owner pins an image; the same key, the same id."""
    return hashlib.sha256(f"{key}\n{owner}".encode() if owner else key.encode()).hexdigest()[:16]


def pin(key: str, image: Image.Image, name: str, label: str | None = None, owner: str = "") -> str:
    """Keep an image, of which ``key`` says which one it is; returns its id.

    On a server that several people share, each ``owner`` has pinned images of their own.

    Raises:
        ImageError: If there are as many as are kept.
    """
    pinned_id = id_of(key, owner)
    known = list_pinned(owner)
    if len(known) >= MOST and pinned_id not in {entry.id for entry in known}:
        raise ImageError(f"{MOST} images are pinned, which is as many as are kept: unpin one first.")
    files.make_folder(paths.pinned_root())
    files.write_bytes(_path(pinned_id), _encoded(image, {"name": name, "label": label or "", "owner": owner}))
    return pinned_id


def unpin(pinned_id: str) -> None:
    """Let an image go; one that isn't pinned is gone already."""
    if ID.fullmatch(pinned_id):
        _path(pinned_id).unlink(missing_ok=True)


def list_pinned(owner: str = "") -> list[Pinned]:
    """The pinned images of an owner that can be read, the latest first."""
    found = [path for path in paths.pinned_root().glob("*.png") if ID.fullmatch(path.stem)]
    entries = [_read(path) for path in sorted(found, key=_modified, reverse=True)]
    return [entry for entry in entries if entry is not None and entry.owner == owner]


def find(pinned_id: str) -> Pinned:
    """The image with an id.

    Raises:
        ImageError: If there is none.
    """
    found = _read(_path(pinned_id)) if ID.fullmatch(pinned_id) else None
    if found is None:
        raise ImageError("this image is not pinned, or no longer; choose one of those shown")
    return found


def _path(pinned_id: str) -> Path:
    return paths.pinned_root() / f"{pinned_id}.png"


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # unpinned in the meantime
        return 0.0


def _read(path: Path) -> Pinned | None:
    """The metadata in a file's header; None if it is not a pinned image."""
    try:
        with Image.open(path, formats=["PNG"]) as image:
            words = {key: str(image.info.get(key, "")) for key in ("name", "label", "owner")}
    except (*images.DAMAGE, *images.BOMBS):
        return None
    return Pinned(path.stem, words["name"] or path.stem, words["label"] or None, words["owner"])


def _encoded(image: Image.Image, texts: dict[str, str]) -> bytes:
    """As PNG, no larger than is kept, with its words."""
    factor = SIDE / min(image.size)
    if factor < 1:
        image = image.resize([round(side * factor) for side in image.size], Image.Resampling.LANCZOS)
    words, buffer = PngInfo(), io.BytesIO()
    for key, words_of_it in texts.items():
        words.add_itxt(key, words_of_it[:NAME_LENGTH])
    image.convert("RGB").save(buffer, "PNG", pnginfo=words)
    return buffer.getvalue()
