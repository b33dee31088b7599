"""Train: configure a run, or, with ``?run=NAME`` in the address, watch one."""

import streamlit as st

from pages.shared import launching
from pages.train.form import screen as form
from pages.train.live import screen as live

run_id = st.query_params.get("run")
if not run_id and (run_id := launching.arriving()):
    st.query_params.from_dict({"run": run_id})
if run_id:
    live.draw(run_id)
else:
    form.draw()
