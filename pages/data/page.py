"""Data: the sets of this machine, a look into one of them, and adding more."""

import streamlit as st

from pages.data import adding, inside, sets
from pages.shared import heading

# What is shown is written into the address, because a link from a page to itself does not change it.
info = inside.chosen()
if info is not None:
    st.query_params[inside.SET] = info.name
    inside.draw(info)
else:
    st.query_params.clear()
    heading.row("Data")
    adding.jobs_under_way()
    sets.draw()
    adding.draw()
