"""Predict: show pictures to a model; see what it says and what it looks at."""

import streamlit as st

from pages.predict import controls, gallery, single
from pages.shared import heading, models, sources
from vit.errors import VitError

heading.row("Predict")
names = models.names()
if names:
    try:
        model = controls.model_picker(names)
        info = models.info(model)
        pictures = sources.choose(info.classes)
        if pictures:
            look = controls.look(info.model)
            gallery.draw(model, pictures, look) if len(pictures) > 1 else single.draw(model, pictures[0], look)
    except VitError as error:
        st.error(str(error))
else:
    st.markdown("There is no trained model yet. Train one: it appears here as soon as its first checkpoint is saved.")
    st.page_link("pages/train/page.py", label="Train a model", icon=":material/model_training:")
