"""Which file is which class and split, judged by names alone: ``[wrapper/][train|test/]class/.../image.jpg``."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from vit.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
SPLIT_NAMES = {"train": ("train", "training"), "test": ("test", "testing"), "val": ("val", "valid", "validation")}
SPLIT_FOLDERS = {name: split for split, names in SPLIT_NAMES.items() for name in names}


@dataclass(frozen=True)
class Layout:
    """A plan for reading class folders."""

    places: dict[str, tuple[str, int]]  # split ("train" or "test") and label of each image's name
    classes: tuple[str, ...]  # names, sorted; a label is a place in here
    skipped: tuple[tuple[str, str], ...]  # (name, reason) of files that look like data but fit nowhere

    def counts(self) -> dict[str, int]:
        """Images per split, before any turns out to be broken."""
        return dict(Counter(split for split, _ in self.places.values()))


def plan(names: Iterable[str], shown: str, needs_train: bool = True) -> Layout:
    """Work out splits and classes.

    Images for validation serve as the test set where there is none, and join the training images otherwise,
    because training splits its own validation images from train.

    Args:
        names: Paths inside the folder or archive.
        shown: What to call the whole in messages.
        needs_train: Whether to refuse what can only be tested with.

    Raises:
        DataError: If there are no images in class folders, fewer than two classes, or a class without training
            or test images.
    """
    images, skipped = [], []
    for name in names:
        if name.lower().endswith(SUFFIXES):
            images.append(name.split("/"))
        elif "/" in name:
            skipped.append((name, "not a PNG, JPEG, WebP, BMP or GIF"))
    depth = _wrapper_depth(images)
    tops = {parts[depth].lower() for parts in images if len(parts) > depth + 1}
    has_train = not tops.isdisjoint(SPLIT_NAMES["train"])
    has_splits = tops <= SPLIT_FOLDERS.keys() and (has_train or all(len(parts) > depth + 2 for parts in images))
    found: dict[str, tuple[str, str]] = {}
    for parts in images:
        inner = parts[depth:]
        if len(inner) < 2 + has_splits:
            skipped.append(("/".join(parts), "not inside a class folder"))
        else:
            found["/".join(parts)] = (SPLIT_FOLDERS[inner[0].lower()] if has_splits else "train", inner[has_splits])
    return _numbered(found, tuple(skipped), shown, needs_train)


def _wrapper_depth(images: list[list[str]]) -> int:
    """How many folders wrap everything, above the splits or classes."""
    depth = 0
    while images and all(len(parts) > depth + 2 for parts in images):
        tops = {parts[depth] for parts in images}
        if len(tops) > 1 or tops.pop().lower() in SPLIT_FOLDERS:
            break
        depth += 1
    return depth


def _numbered(found: dict[str, tuple[str, str]], skipped: tuple, shown: str, needs_train: bool) -> Layout:
    """Resolve validation and turn class names into labels."""
    splits = {split for split, _ in found.values()}
    as_stored = {"val": "train" if "test" in splits else "test"}
    classes = tuple(sorted({name for _, name in found.values()}))
    if not found:
        raise DataError(f"{shown} has no images in class folders: put each class into a folder of its own.")
    first, *others = classes
    if not others:
        raise DataError(f"{shown} has only the class {first!r}: put at least two class folders side by side.")
    labels = {name: label for label, name in enumerate(classes)}
    places = {path: (as_stored.get(split, split), labels[name]) for path, (split, name) in found.items()}
    check_complete(set(places.values()), classes, shown, "train" if needs_train or "train" in splits else "test")
    return Layout(places, classes, skipped)


def check_complete(present: set[tuple[str, int]], classes: tuple[str, ...], shown: str, needed: str = "train") -> None:
    """Refuse if a class is missing from a split; ``present`` is every (split, label) that has an image.

    The other split than ``needed`` may have no image at all.

    Raises:
        DataError: Naming split and classes.
    """
    for split, words in (("train", "training"), ("test", "test")):
        missing = [name for label, name in enumerate(classes) if (split, label) not in present]
        if missing and (split == needed or any(there == split for there, _ in present)):
            listed = ", ".join(missing[:5]) + (" and others" if len(missing) > 5 else "")
            raise DataError(f"{shown} has no readable {words} images of {listed}: add some or remove the class.")
