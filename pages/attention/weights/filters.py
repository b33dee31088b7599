"""What the first layer looks for."""

import streamlit as st

from pages.attention.subject import Subject
from pages.shared import models, words
from vit.plots import filters

MOST = 28
SIDE = 44  # pixels of one filter


def draw(subject: Subject) -> None:
    """The filters' principal components, most important first."""
    from vit.explain.internals import patch_filters_pca

    found = patch_filters_pca(models.predictor(subject.model).model, MOST)
    st.markdown("**Filters of the first layer**")
    share = float(found.explained.sum())
    sheet = filters.sheet(found.components.cpu().numpy(), SIDE)
    count = len(found.components)
    st.image(sheet, width="content", alt=f"The first {count} principal components of the filters as small pictures")
    what = "patch embedding" if found.layer == "patch_embed.proj" else "convolutional stem"
    st.caption(
        f"Principal components of the {what}'s filters, most important first; together {words.percent(share, 0)} of "
        "their variance. Each is stretched to its own range around grey; signs mean nothing."
    )
