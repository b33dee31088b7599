"""The form's content: one session entry per setting, so that it survives going to another page and back."""

import streamlit as st

from pages.shared import datasets, models
from pages.train.form import fields
from vit import devices, presets
from vit.config import field_names, merge
from vit.data import catalog
from vit.data.store import DatasetInfo
from vit.errors import VitError

PRESET, LENGTH, UNIT = "form.preset", "form.length", "form.unit"
UNITS = {"minutes": 5.0, "epochs": 5.0, "steps": 1000.0}  # with what to start from
SCRATCH = ""
LINKED = ("data", "init", "preset")  # what a link may ask for


def key(field: str) -> str:
    """The session entry of a setting, which is also its widget's key."""
    return f"form.{field}"


def put(field: str, value: object) -> None:
    """Change a setting from a button; the widget shows it in the next run."""
    if field in fields.LENGTH_FIELDS:
        st.session_state[LENGTH] = float(value)
    else:
        st.session_state[key(field)] = value


def prepare() -> None:
    """Fill the form at the first visit, take over what a link asks for, and drop what no longer exists."""
    if PRESET not in st.session_state:
        st.session_state[key("data.source")] = datasets.preferred().name
        st.session_state[key("init.checkpoint")] = SCRATCH
        st.session_state[key("init.trainable")] = "all"
        st.session_state[PRESET] = presets.default(devices.describe().device)
        apply_preset()
    if st.session_state[key("data.source")] not in sources():
        put("data.source", datasets.preferred().name)
    if st.session_state[key("init.checkpoint")] not in starts():
        put("init.checkpoint", SCRATCH)
    _take_over_link()


def _take_over_link() -> None:
    wanted = {name: st.query_params.pop(name) for name in LINKED if name in st.query_params}
    if wanted.get("data") in sources():
        put("data.source", wanted["data"])
        follow_data()
    if wanted.get("init") in starts():
        put("init.checkpoint", wanted["init"])
        apply_preset()
    if wanted.get("preset") in presets.PRESETS:
        st.session_state[PRESET] = wanted["preset"]
        apply_preset()


def apply_preset() -> None:
    """Set every setting to what the chosen preset says, for the data and the start that are chosen."""
    start = st.session_state[key("init.checkpoint")] or None
    raw = presets.build(st.session_state[PRESET], init=start)
    for field in field_names():
        if field not in (*fields.TOP_FIELDS, *fields.FOLLOWING):
            section, _, name = field.partition(".")
            put(field, raw[section][name])
    unit = next(unit for unit in UNITS if raw["train"][unit] is not None)
    st.session_state[UNIT], st.session_state[LENGTH] = unit, float(raw["train"][unit])
    if start is None:
        follow_data()


def follow_data() -> None:
    """Let the model see the data's pictures at their own size; a trained start keeps its size."""
    size = data_info().image_size
    if size and not st.session_state[key("init.checkpoint")]:
        put("model.image_size", size)


def follow_unit() -> None:
    """Start from a sensible number in the new unit."""
    st.session_state[LENGTH] = UNITS[st.session_state[UNIT]]


def raw() -> dict:
    """The form as a raw configuration, unchecked."""
    chosen = {field: st.session_state[key(field)] for field in field_names() if key(field) in st.session_state}
    chosen["init.checkpoint"] = chosen["init.checkpoint"] or None
    chosen["model.num_classes"] = len(data_info().classes)
    unit, length = st.session_state[UNIT], st.session_state[LENGTH]
    lengths = dict.fromkeys(fields.LENGTH_FIELDS)
    lengths[f"train.{unit}"] = int(length) if unit == "steps" else length
    return {**merge(presets.build(st.session_state[PRESET]), chosen | lengths)}


def sources() -> list[str]:
    """Names of the data sets that can be used."""
    return [info.name for info in datasets.usable()]


def starts() -> list[str]:
    """From scratch, or any model."""
    return [SCRATCH, *models.names()]


def data_info() -> DatasetInfo:
    return catalog.describe(st.session_state[key("data.source")])


def changed() -> list[str]:
    """The settings that differ from the chosen preset."""
    try:
        base = presets.build(st.session_state[PRESET], init=st.session_state[key("init.checkpoint")] or None)
    except VitError:
        return []
    here = raw()
    skipped = (*fields.TOP_FIELDS, *fields.FOLLOWING, "model.image_size")
    split = [(field, *field.split(".")) for field in field_names() if field not in skipped]
    return [field for field, section, name in split if base[section][name] != here[section][name]]
