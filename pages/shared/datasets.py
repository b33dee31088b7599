"""Data sets as pages use them."""

from vit.data import catalog
from vit.data.store import DatasetInfo


def usable() -> list[DatasetInfo]:
    """The data sets that can be trained on."""
    return [info for info in catalog.list_datasets() if info.problem is None]


def preferred() -> DatasetInfo:
    """What to train on unless somebody says otherwise: the first imported data set, or else the built-in one."""
    known = usable()
    return next((info for info in known if info.kind == "imported"), known[0])
