"""Weights: positions and filters, how far heads look, and how large tokens grow."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.attention.subject import Subject
from pages.shared import component, curves, live_chart, models, still
from pages.shared.live_chart import Series
from vit import text
from vit.plots import filters, heatmap
from vit.plots.scale import Scale

if TYPE_CHECKING:
    from torch import Tensor

COSINE = Scale(-1.0, 1.0, 1.0, "")
MOST_FILTERS, FILTER_SIDE = 28, 44  # of one filter, in pixels
NORMS_IN_A_ROW = 5

_positions = component.register("vit_lab_positions", Path(__file__).with_name("positions.js"))


WITHOUT = {
    "none": "This model has no position embeddings: it can't tell where a patch is.",
    "rope": "This model adds no position embeddings: its blocks rotate queries and keys by their place (rope).",
}


def draw(subject: Subject) -> None:
    """What was learned on top, what this image makes of it below."""
    left, right = st.columns(2, gap="medium")
    with left.container(border=True, height="stretch"):
        _draw_positions(subject)
    with right.container(border=True, height="stretch"):
        _draw_filters(subject)
    with st.container(border=True):
        _draw_distances(subject)
    with st.container(border=True):
        _draw_norms(subject)


def _draw_positions(subject: Subject) -> None:
    st.markdown("**Position embeddings**")
    if not subject.info.model.adds_positions:
        st.markdown(WITHOUT[subject.info.model.pos_embed])
        return
    from vit.explain.internals import position_similarity

    similarity = position_similarity(models.predictor(subject.model).model)
    _positions(key="positions", data=positions_data(subject, similarity))
    st.caption(
        "Cosine similarity of every position to the one that you point at. Training makes neighbors alike, and often "
        "whole rows and columns."
    )


def positions_data(subject: Subject, similarity: "Tensor") -> dict:
    """What the component gets: all similarities, (P, P), and what their colors mean."""
    return {
        "stamp": str(subject.answer.version),
        "grid": subject.info.model.grid_size,
        "similarity": [curves.significant(row) for row in similarity.cpu().tolist()],
        "scale": vars(COSINE),
    }


def _draw_filters(subject: Subject) -> None:
    from vit.explain.internals import patch_filters_pca

    found = patch_filters_pca(models.predictor(subject.model).model, MOST_FILTERS)
    st.markdown("**Filters of the first layer**")
    share = float(found.explained.sum())
    sheet = filters.sheet(found.components.cpu().numpy(), FILTER_SIDE)
    count = len(found.components)
    st.image(sheet, width="content", alt=f"The first {count} principal components of the filters as small images")
    what = "patch embedding" if found.layer == "patch_embed.proj" else "convolutional stem"
    st.caption(
        f"Principal components of the {what}'s filters, most important first; together {text.percent(share, 0)} of "
        "their variance. Each is stretched to its own range around gray; signs mean nothing."
    )


def _draw_distances(subject: Subject) -> None:
    from vit.explain import attention

    st.markdown("**How far heads look**")
    far = attention.attention_distance(subject.trace)[:, 0]  # (L, h)
    uniform = float(attention.patch_distances(subject.trace.grid_size).mean())
    layers, heads = far.shape
    x = [float(layer) for layer in range(layers) for _ in range(heads)]
    series = [
        Series("heads", "points", x, far.flatten().tolist()),
        Series("mean of a layer", "train", [float(layer) for layer in range(layers)], far.mean(1).tolist()),
        Series("uniform attention", "chance", [0.0, float(layers - 1)], [uniform, uniform]),
    ]
    live_chart.draw(
        series,
        key="distances",
        x_title="layer",
        y_title="attention distance, in patches",
        alt=f"Attention distance: layer 0 {far[0].mean():.1f}, last layer {far[-1].mean():.1f} patches on average",
        height=260,
        whole_steps=True,
    )
    st.caption("The mean distance from a patch to what it attends to, for this image.")


def _draw_norms(subject: Subject) -> None:
    """The length of every patch's token after each layer, on one scale."""
    from vit.explain.internals import token_norms

    st.markdown("**Token norms**")
    found, trace = token_norms(subject.trace)[:, 0], subject.trace
    patches = found[:, trace.num_prefix_tokens :].unflatten(1, (trace.grid_size, trace.grid_size))
    low, high, mean = (float(value) for value in (patches.min(), patches.max(), patches.mean()))
    meaning = Scale(low, high if high > low else low + 1, 1.0, " (L2 norm)", rest=mean)
    with st.grid(NORMS_IN_A_ROW, min_column_width=88, gap="small"):
        for layer, values in enumerate(patches):
            with st.container(gap="xxsmall"):
                name = "embedding" if layer == 0 else f"after layer {layer - 1}"
                alt = f"Token norms, {name}. {heatmap.describe_values(values)}"
                still.draw(subject.answer, values, meaning, alt=alt, with_bar=False)
                st.caption(name)
    still.bar(meaning)
    st.caption(
        "The L2 norm of each patch's token, all on one scale. A few tokens far longer than the others have stopped "
        "describing their patch and keep notes about the whole image (Darcet et al. 2023, arXiv:2309.16588); register "
        "tokens take that over."
    )
