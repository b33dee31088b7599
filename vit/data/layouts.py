"""Which file is which class and split, judged by names alone: ``[wrapper/][train|test/]class/.../image.jpg``."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vit.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
SPLIT_NAMES = {"train": ("train", "training"), "test": ("test", "testing"), "val": ("val", "valid", "validation")}
MAX_NAME = 200  # characters of a class's name
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


@dataclass(frozen=True)
class Found:
    """Images in class folders, before anything is decided about the classes."""

    images: dict[str, tuple[str, str]]  # split ("train" or "test") and class of each image's name
    skipped: tuple[tuple[str, str], ...]  # as in ``Layout``


def plan(
    names: Iterable[str], shown: str, renames: Mapping[str, str | None] | None = None, needs_train: bool = True
) -> Layout:
    """Work out splits and classes.

    Args:
        names: Paths inside the folder or archive.
        shown: What to call the whole in messages.
        renames: See ``renamed``.
        needs_train: Whether to refuse what can only be tested with.

    Raises:
        DataError: If there are no images in class folders, fewer than two classes, or a class without training
            or test images; or if ``renames`` can't be followed.
    """
    found = find(names, shown)
    called = renamed({name for _, name in found.images.values()}, renames or {})
    kept = {path: (split, new) for path, (split, name) in found.images.items() if (new := called[name]) is not None}
    return _numbered(kept, found.skipped, shown, needs_train)


def find(names: Iterable[str], shown: str) -> Found:
    """Work out splits and the folders' classes.

    Images for validation serve as the test set where there is none, and join the training images otherwise,
    because training splits its own validation images from train.

    Raises:
        DataError: If there are no images in class folders.
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
    if not found:
        raise DataError(f"{shown} has no images in class folders: put each class into a folder of its own.")
    return Found(_resolved(found), tuple(skipped))


def renamed(classes: Iterable[str], renames: Mapping[str, str | None]) -> dict[str, str | None]:
    """What each class will be called; None leaves it out, and classes of one name become one.

    Args:
        classes: As they are.
        renames: The new names of some of them; the others keep theirs.

    Raises:
        DataError: If a class that is to be renamed isn't there, or a name can't be used.
    """
    known = set(classes)
    for old, new in renames.items():
        if old not in known:
            raise DataError(f"There is no class {old!r}: there are {_listed(sorted(known))}.")
        if new is not None and not 0 < len(new.strip()) <= MAX_NAME:
            raise DataError(f"The class {old!r} can't be called {new[:80]!r}: use 1 to {MAX_NAME} characters.")
    trimmed = {old: new if new is None else new.strip() for old, new in renames.items()}
    return {name: trimmed.get(name, name) for name in known}


def _wrapper_depth(images: list[list[str]]) -> int:
    """How many folders wrap everything, above the splits or classes."""
    depth = 0
    while images and all(len(parts) > depth + 2 for parts in images):
        tops = {parts[depth] for parts in images}
        if len(tops) > 1 or tops.pop().lower() in SPLIT_FOLDERS:
            break
        depth += 1
    return depth


def _resolved(found: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Images for validation, put where they are of use."""
    splits = {split for split, _ in found.values()}
    as_stored = {"val": "train" if "test" in splits else "test"}
    return {path: (as_stored.get(split, split), name) for path, (split, name) in found.items()}


def _numbered(images: dict[str, tuple[str, str]], skipped: tuple, shown: str, needs_train: bool) -> Layout:
    """Turn class names into labels."""
    classes = tuple(sorted({name for _, name in images.values()}))
    check_several(classes, shown)
    labels = {name: label for label, name in enumerate(classes)}
    places = {path: (split, labels[name]) for path, (split, name) in images.items()}
    splits = {split for split, _ in images.values()}
    check_complete(set(places.values()), classes, shown, "train" if needs_train or "train" in splits else "test")
    return Layout(places, classes, skipped)


def check_several(classes: tuple[str, ...], shown: str) -> None:
    """Refuse what nothing can be told apart in.

    Raises:
        DataError: If there are fewer than two classes.
    """
    if not classes:
        raise DataError(f"Of {shown} no class is left: keep at least two.")
    if len(classes) == 1:
        raise DataError(f"{shown} has only the class {classes[0]!r}: put at least two class folders side by side.")


def check_complete(present: set[tuple[str, int]], classes: tuple[str, ...], shown: str, needed: str = "train") -> None:
    """Refuse if a class is missing from a split; ``present`` is every (split, label) that has an image.

    The other split than ``needed`` may have no image at all.

    Raises:
        DataError: Naming split and classes.
    """
    for split, words in (("train", "training"), ("test", "test")):
        missing = [name for label, name in enumerate(classes) if (split, label) not in present]
        if missing and (split == needed or any(there == split for there, _ in present)):
            raise DataError(
                f"{shown} has no readable {words} images of {_listed(missing)}: add some or drop the class."
            )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" and others" if len(names) > 5 else "")
