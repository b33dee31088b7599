"""Start: what this is, a trained model to try, this machine, and one button that trains."""

import time

import streamlit as st

from pages.shared import datasets, heading, launching, mistakes
from pages.start import machine, recent, trial
from vit import devices, presets
from vit.data.store import DatasetInfo
from vit.rules import validate

SEND_SECONDS = 0.05  # loading torch would hold back what is drawn but not yet sent


def start(data: DatasetInfo, preset: str) -> None:
    """Start the run and open its page."""
    raw = presets.build(preset, data=data)
    environment = devices.environment(data.counts.get("train"), len(data.classes))
    with mistakes.kept():
        run_id = launching.launch_once(validate(raw, environment))
        st.switch_page(launching.TRAIN_PAGE, query_params={"run": run_id})


with heading.row("ViT Lab"):
    launching.next_run()
    data, preset = datasets.preferred(), presets.offered(devices.describe().device)[0]
    st.page_link(launching.TRAIN_PAGE, label="Configure a run", icon=":material/tune:")
    st.button(
        f"Train a ViT on {data.name}, {presets.PRESETS[preset].title}",
        key="first_run",
        type="primary",
        icon=":material/play_arrow:",
        help=presets.PRESETS[preset].purpose,
        on_click=start,
        args=(data, preset),
    )
st.markdown("Configure a Vision Transformer, watch it learn on this machine, and see what it attends to.")
recent.table()

left, right = st.columns([3, 2], gap="medium")
with left.container(border=True, height="stretch"):
    answer = trial.card()
with right.container(border=True, height="stretch"):
    machine.card()

time.sleep(SEND_SECONDS)
answer()  # last, because the first prediction loads torch
