"""Data sets as pages use them."""

from vit.data import catalog
from vit.data.store import DatasetInfo


def usable() -> list[DatasetInfo]:
    """The data sets that can be trained on."""
    return [info for info in catalog.list_datasets() if info.problem is None]


def fitting(classes: tuple[str, ...]) -> list[str]:
    """The names of the data sets with test images of exactly these classes."""
    known = catalog.list_datasets()
    return [info.name for info in known if set(info.classes) == set(classes) and info.counts.get("test")]


def preferred() -> DatasetInfo:
    """What to train on unless somebody says otherwise: the first imported data set, or else the built-in one."""
    known = usable()
    return next((info for info in known if info.kind == "imported"), known[0])
