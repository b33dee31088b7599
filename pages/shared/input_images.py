"""Images that a page can offer: shipped, pinned and uploaded ones, and those of data sets with a model's classes."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from PIL import Image

from pages.shared import datasets, image_picker, visitor
from pages.shared.image_picker import Choice
from vit import images, pinned, samples
from vit.data import catalog, draws
from vit.errors import DataError, ImageError
from vit.images import DecodedImage
from vit.models import ModelInfo

PER_DATASET = 8
PINNED, UPLOAD = "pinned", "upload"  # what ids of pinned and of uploaded images begin with
VALIDATION = "validation"  # the part of a data set's training split that a model was not trained on


@dataclass(frozen=True)
class InputImage:
    """Something to show to a model."""

    id: str  # equal ids mean equal images
    name: str  # as a person knows it
    read: Callable[[], DecodedImage]  # decodes it; may raise ImageError
    label: str | None = None  # its class, where that is known


def offered(info: ModelInfo, draw: int = 0, also: str | None = None) -> dict[str, Choice]:
    """Thumbnails by id.

    Args:
        info: Of the model; only images of its classes are offered, apart from a person's own ones.
        draw: Another number, other images of data sets.
        also: An id to offer in any case, such as one from a link; passed over if there is no such image.
    """
    shipped = [
        _thumbnail(f"sample:{sample.name}", sample.label, str(sample.path))
        for sample in samples.list_samples()
        if sample.label in info.classes
    ]
    kept = [choice for entry in pinned.list_pinned(visitor.current()) if (choice := _pinned_thumbnail(entry))]
    drawn = [choice for name in datasets.fitting(info.classes) for choice in _drawn(name, draw)]
    if not shipped + drawn:
        drawn = _validation(info, draw)
    known = {choice.id: choice for choice in _uploads(also) + shipped + kept + drawn}
    return known if also is None or also in known else _linked(also, info.classes) | known


def keep_uploads(uploads: list[InputImage]) -> list[InputImage]:
    """The same uploads, if any remembered on every page of this visit, so that a link between pages can name one."""
    if uploads:
        st.session_state[UPLOAD] = {image.id: image for image in uploads}
    return uploads


def _uploads(linked: str | None) -> list[Choice]:
    """The upload that a link names, or the only one."""
    kept = st.session_state.get(UPLOAD, {})
    found = [image for image in kept.values() if image.id == linked or len(kept) == 1]
    try:
        return [image_picker.choice(image.id, image.name, image.read().image) for image in found]
    except ImageError:  # told where it was uploaded
        return []


def find(image_id: str) -> InputImage:
    """The image behind an id.

    Raises:
        DataError: If there is no such image, or no longer.
        ImageError: If it was pinned and is no longer.
    """
    source, _, rest = image_id.partition(":")
    if source == "sample":
        sample = next((sample for sample in samples.list_samples() if sample.name == rest), None)
        if sample is None:
            raise DataError(f"there is no sample called {rest[:80]!r}; choose one of those shown")
        return InputImage(image_id, rest, lambda: images.decode(sample.path.read_bytes(), rest), sample.label)
    if image_id in st.session_state.get(UPLOAD, {}):
        return st.session_state[UPLOAD][image_id]
    if source == PINNED:
        entry = pinned.find(rest)
        return InputImage(image_id, entry.name, entry.read, entry.label)
    split, _, index = rest.partition(":")
    if not index.isdecimal():
        raise DataError(f"there is no image called {image_id[:80]!r}; choose one of those shown")
    found = catalog.load_images(source, "train" if split == VALIDATION else split, [int(index)])[0]
    name = f"{source} {split} image {index}"
    return InputImage(image_id, name, lambda: DecodedImage(found.image, None), found.class_name)


def _linked(image_id: str, classes: tuple[str, ...]) -> dict[str, Choice]:
    """The image that a link asks for, if it exists and suits the model."""
    try:
        found = find(image_id)
    except (DataError, ImageError):
        return {}
    if found.label not in classes:
        return {}
    return {image_id: image_picker.choice(image_id, found.label, found.read().image)}


def is_drawn(image_id: str) -> bool:
    """Whether an image was drawn from a data set, so that others could be."""
    return image_id.partition(":")[0] not in ("sample", PINNED, UPLOAD)


def pinned_id(image: InputImage) -> str:
    """What an image has as its id among the pinned ones, whether it is pinned or not."""
    source, _, rest = image.id.partition(":")
    return rest if source == PINNED else pinned.id_of(image.id, visitor.current())


@st.cache_data(max_entries=100, show_spinner=False)
def _pinned_thumbnail(entry: pinned.Pinned) -> Choice | None:
    try:
        return image_picker.choice(f"{PINNED}:{entry.id}", f"{entry.name} (pinned)", entry.read().image)
    except ImageError:  # damaged since; the others are shown
        return None


@st.cache_data(show_spinner=False)
def _thumbnail(image_id: str, label: str, path: str) -> Choice:
    return image_picker.choice(image_id, label, Image.open(path))


@st.cache_data(max_entries=50, ttl=600, show_spinner=False)
def _drawn(source: str, draw: int) -> list[Choice]:
    return _choices(f"{source}:test", catalog.samples(source, "test", PER_DATASET, seed=draw))


@st.cache_data(max_entries=20, ttl=600, show_spinner=False, hash_funcs={ModelInfo: lambda info: str(info.to_json())})
def _validation(info: ModelInfo, draw: int) -> list[Choice]:
    """Some of the images that a model was validated on; none if its data set is not here as it was then."""
    data = next((data for data in catalog.list_datasets() if data.name == info.run.data.source), None)
    if data is None or data.fingerprint != info.data.get("fingerprint"):
        return []
    import torch

    from vit.data import store
    from vit.data.load import train_val_split

    with store.arrays(catalog.locate(data.name)) as stored:
        labels = torch.from_numpy(stored.get_tensor("train_labels"))
    places = train_val_split(labels, info.run.data.num_val(len(labels)), info.run.train.seed)[1].tolist()
    chosen = [places[place] for place in draws.permutation(len(places), draw, 0)[:PER_DATASET].tolist()]
    return _choices(f"{data.name}:{VALIDATION}", catalog.load_images(data.name, "train", chosen))


def _choices(source: str, found: list[catalog.Sample]) -> list[Choice]:
    return [image_picker.choice(f"{source}:{sample.index}", sample.class_name, sample.image) for sample in found]
