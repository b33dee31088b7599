"""Experiments: what many runs say that one can't."""

import streamlit as st

from pages.experiments import cards, sweep_form, sweep_view
from pages.shared import heading

heading.row("Experiments")
questions, sweeps = st.tabs(["Questions", "Sweeps"], key="tab", on_change="rerun", bind="query-params")
if questions.open:
    with questions:
        cards.draw()
elif sweeps.open:
    with sweeps:
        name = st.query_params.get("sweep")
        sweep_view.draw(name) if name else sweep_form.draw()
