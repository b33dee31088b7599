"""Start: what this is, a trained model to try, this machine, and one button that trains."""

import time

import streamlit as st

from pages.shared import heading
from pages.start import first_run, machine, recent, trial

SEND_SECONDS = 0.05  # loading torch would hold back what is drawn but not yet sent

with heading.row("ViT Lab"):
    first_run.button()
first_run.complaint()
st.markdown("Configure a Vision Transformer, watch it learn on this machine, see what it looks at.")

left, right = st.columns([3, 2], gap="medium")
with left.container(border=True, height="stretch"):
    answer = trial.card()
with right.container(border=True, height="stretch"):
    machine.card()

recent.table()
time.sleep(SEND_SECONDS)
answer()  # last, because the first prediction loads torch
