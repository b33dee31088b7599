"""The form's content: one session entry per setting, and the same in the page's address.

The address names the preset, the data, the start, and the length and settings that differ from the preset, so that a
reload, a link and the browser's Back bring the form back as it was.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from pydantic import ValidationError

from pages.shared import datasets, models
from pages.train.command import flat, text
from pages.train.form.settings import FOLLOWING, LENGTH, LENGTH_FIELDS, TOP_FIELDS, UNIT, key, put
from vit import devices, presets
from vit.config import ENCODER, SECTIONS, choices, field_names, merge
from vit.data import catalog
from vit.data.store import DatasetInfo
from vit.models import adopted

PRESET, NOTES, SEEN = "form.preset", "form.notes", "form.seen"
BASE = "form.base"  # what every setting was before a person changed anything
EDIT = "form.edit"  # the waiting run whose configuration this is
DATA, START = key("data.source"), key("init.checkpoint")
UNITS = {"minutes": 5.0, "epochs": 5.0, "steps": 1000.0}  # with what to start from
SCRATCH = ""
GIVEN = tuple(f"model.{name}" for name in ENCODER)  # by a trained start
FINE_TUNING = tuple(field for field in field_names() if field.startswith("init.") and field != "init.checkpoint")
SETTINGS = [field for field in field_names() if field not in (*TOP_FIELDS, *FOLLOWING)] + ["init.trainable"]
NOT_OURS = ("run", "x", "tab")  # of a run's own page


def prepare() -> None:
    """Fill the form at the first visit, follow the address, drop what no longer exists, and write the address."""
    if PRESET not in st.session_state:
        st.session_state[DATA], st.session_state[START] = datasets.preferred().name, SCRATCH
        st.session_state[PRESET] = presets.default(devices.describe().device)
        apply_preset()
    asked = {name: value for name, value in st.query_params.items() if name not in NOT_OURS}
    seen = st.session_state.get(SEEN)
    is_changed = seen is not None and seen["content"] != content()
    if is_changed:
        st.session_state.pop(NOTES, None)
    if st.session_state[DATA] not in sources():
        st.session_state[DATA] = datasets.preferred().name
    if st.session_state[START] not in starts():
        st.session_state[START] = SCRATCH
        follow()
    # A click that comes with an address from before the click before it is no link.
    if asked and not is_changed and (seen is None or asked != seen["address"]):
        _take_over(asked)
    _write(asked)


def content() -> dict[str, object]:
    """Every entry of the form."""
    return {name: st.session_state[name] for name in (PRESET, DATA, START, UNIT, LENGTH, *map(key, SETTINGS))}


def _take_over(asked: dict[str, str]) -> None:
    """Set what an address asks for; what can't be used is told."""
    wanted, notes = dict(asked), []
    st.session_state[EDIT] = wanted.pop("edit", None)
    for name, entry, known, take in (
        ("data", DATA, sources(), follow),
        ("init", START, starts(), follow),
        ("preset", PRESET, list(presets.PRESETS), apply_preset),
    ):
        value = wanted.pop(name, None)
        if value in known:
            st.session_state[entry] = value
            take()
        elif value is not None:
            notes.append(f"{name}={value} (there is {', '.join(filter(None, known))})")
    for name, value in wanted.items():
        try:
            _put_text(f"train.{name}" if name in UNITS else name, value)
        except ValueError as error:
            notes.append(f"{name}={value} ({error})")
    st.session_state[NOTES] = notes


def _put_text(field: str, value: str) -> None:
    """Change a setting to what a text says.

    Raises:
        ValueError: With the reason, if there is no such setting or it can't have this value.
    """
    if field not in (*SETTINGS, *LENGTH_FIELDS):
        raise ValueError("no such setting")
    if field in FINE_TUNING and not st.session_state[START]:
        raise ValueError("needs a trained model to start from")
    if field in GIVEN and st.session_state[START]:
        raise ValueError(f"given by {st.session_state[START]}")
    section, _, name = field.partition(".")
    chosen = next((choice for choice in choices(field) if str(choice) == value), value)
    try:
        put(field, getattr(SECTIONS[section].model_validate({name: chosen}), name))
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"].removeprefix("Input ")) from error


def _write(asked: dict[str, str]) -> None:
    """Put the form into the address, unless it says what an empty address means."""
    now = address()
    is_default = now == {"preset": presets.default(devices.describe().device), "data": datasets.preferred().name}
    if asked != now and (asked or not is_default):
        st.query_params.from_dict(now)
    st.session_state[SEEN] = {"content": content(), "address": now if asked or not is_default else {}}


def address() -> dict[str, str]:
    """The form as query parameters."""
    base, start, unit = _base(), st.session_state[START], st.session_state[UNIT]
    named = {"preset": st.session_state[PRESET], "data": st.session_state[DATA]}
    named |= {"edit": st.session_state[EDIT]} if st.session_state.get(EDIT) else {}
    named |= {"init": start} if start else {}
    if base[f"train.{unit}"] != st.session_state[LENGTH]:
        named[unit] = text(st.session_state[LENGTH])
    return named | {field: text(st.session_state[key(field)]) for field in changed()}


def proposed(field: str) -> Any:
    """What preset, data and start together propose for a setting."""
    return _base()[field]


def changed() -> list[str]:
    """The settings that differ from the chosen preset."""
    base = _base()
    return [field for field in SETTINGS if st.session_state[key(field)] != base[field]]


def _base() -> dict[str, Any]:
    """What every setting is before a person changes anything: by preset, start and data."""
    start = st.session_state[START] or None
    info = data_info()
    base = flat(presets.build(st.session_state[PRESET], init=start, data=info))
    return base | {"model.image_size": info.image_size} if info.image_size and not start else base


def apply_preset() -> None:
    """Set every setting to what the chosen preset says, for the data and the start that are chosen."""
    base = st.session_state[BASE] = _base()
    for field in SETTINGS:
        put(field, base[field])
    length = next(field for field in LENGTH_FIELDS if base[field] is not None)
    put(length, base[length])


def fill(preset: str, changed: Mapping[str, object]) -> None:
    """Set every setting to what a preset says, from random weights, apart from those given."""
    st.session_state[PRESET], st.session_state[START] = preset, SCRATCH
    apply_preset()
    for field, value in changed.items():
        put(field, value)


def follow() -> None:
    """Take over what other data or another start asks for; what a person has changed stays.

    A trained start gives its encoder in any case, and from scratch there is nothing to fine-tune.
    """
    old, new = st.session_state[BASE], _base()
    for field in SETTINGS:
        is_given = field in (GIVEN if st.session_state[START] else FINE_TUNING)
        if is_given or st.session_state[key(field)] == old[field]:
            put(field, new[field])
    st.session_state[BASE] = new


def follow_unit() -> None:
    """Start from a sensible number in the new unit."""
    st.session_state[LENGTH] = UNITS[st.session_state[UNIT]]


def raw() -> dict:
    """The form as a raw configuration, unchecked."""
    chosen = {field: st.session_state[key(field)] for field in SETTINGS}
    chosen |= {"data.source": st.session_state[DATA], "model.num_classes": len(data_info().classes)}
    chosen |= {"init.checkpoint": st.session_state[START] or None}
    unit, length = st.session_state[UNIT], st.session_state[LENGTH]
    chosen |= dict.fromkeys(LENGTH_FIELDS) | {f"train.{unit}": int(length) if unit == "steps" else length}
    return merge(presets.build(st.session_state[PRESET]), chosen)


def sources() -> list[str]:
    """Names of the data sets that can be used."""
    return [info.name for info in datasets.usable()]


def starts() -> list[str]:
    """From scratch, any model that can be read, or weights that were taken over from timm."""
    return [SCRATCH, *filter(models.label, [*models.names(), *adopted()])]


def data_info() -> DatasetInfo:
    return catalog.describe(st.session_state[DATA])
