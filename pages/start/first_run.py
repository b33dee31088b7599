"""One click from nothing to a training model."""

import streamlit as st

from pages.shared import datasets, launching
from vit import devices, presets
from vit.data.store import DatasetInfo
from vit.errors import VitError
from vit.rules import validate

ERROR = "first_run_error"


def button() -> None:
    """The screen's one primary action."""
    launching.next_run()
    data, preset = datasets.preferred(), presets.offered(devices.describe().device)[0]
    st.page_link(launching.TRAIN_PAGE, label="Configure a run", icon=":material/tune:")
    st.button(
        "Train a ViT now, ~1 min",
        key="first_run",
        type="primary",
        icon=":material/play_arrow:",
        help=f"{presets.PRESETS[preset].purpose} Trains on {data.name}.",
        on_click=start,
        args=(data, preset),
    )


def complaint() -> None:
    """Why the last click did not lead to a run, if it did not."""
    if ERROR in st.session_state:
        st.error(st.session_state.pop(ERROR))


def start(data: DatasetInfo, preset: str) -> None:
    """Launch the run and go and watch it."""
    raw = presets.build(preset, {"data.source": data.name, "model.num_classes": len(data.classes)})
    around = devices.surroundings(data.counts.get("train"), len(data.classes))
    try:
        run_id = launching.launch_once(validate(raw, around))
    except VitError as error:
        st.session_state[ERROR] = str(error)
        return
    st.switch_page(launching.TRAIN_PAGE, query_params={"run": run_id})
