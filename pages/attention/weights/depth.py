"""How far heads look, layer by layer, and which tokens grow long."""

import streamlit as st

from pages.attention.subject import Subject
from pages.shared import colour_bar, live_chart
from pages.shared.inline import data_url
from pages.shared.live_chart import Series
from vit.plots import heatmap, scale
from vit.plots.scale import Scale

SIDE = 220  # pixels


def distances(subject: Subject) -> None:
    """Attention distance of every head against depth, for this picture."""
    from vit.explain import attention

    st.markdown("**How far heads look**")
    far = attention.attention_distance(subject.trace)[:, 0]  # (L, h)
    uniform = float(attention.patch_distances(subject.trace.grid_size).mean())
    layers, heads = far.shape
    x = [float(layer) for layer in range(layers) for _ in range(heads)]
    series = [
        Series("heads", "points", x, far.flatten().tolist()),
        Series("mean of a layer", "train", [float(layer) for layer in range(layers)], far.mean(1).tolist()),
        Series("all patches alike", "chance", [0.0, float(layers - 1)], [uniform, uniform]),
    ]
    live_chart.draw(
        series,
        key="distances",
        x_title="layer",
        y_title="attention distance, in patches",
        alt=f"Attention distance: layer 0 {far[0].mean():.1f}, last layer {far[-1].mean():.1f} patches on average",
        height=260,
    )
    st.caption("The mean distance from a patch to what it attends to, for this picture.")


def norms(subject: Subject) -> None:
    """The length of every patch's token after each layer, on one scale."""
    from vit.explain.internals import token_norms

    st.markdown("**How long tokens are**")
    found, trace = token_norms(subject.trace)[:, 0], subject.trace
    patches = found[:, trace.num_prefix_tokens :].unflatten(1, (trace.grid_size, trace.grid_size))
    meaning = scale.from_zero(patches)
    for row in range(0, len(patches), 5):
        for column, layer in zip(st.columns(5, gap="small"), range(row, min(row + 5, len(patches))), strict=False):
            with column:
                _norm(subject, patches[layer], layer, meaning)
    colour_bar.draw(meaning)
    st.caption(
        "All on one scale. A few tokens far longer than the others have stopped describing their patch and keep notes "
        "about the whole picture (Darcet et al. 2023, arXiv:2309.16588); register tokens take that over."
    )


def _norm(subject: Subject, values, layer: int, meaning: Scale) -> None:
    name = "embedding" if layer == 0 else f"after layer {layer - 1}"
    picture = heatmap.overlay(subject.answer.prediction.seen, values, scale=meaning, size=SIDE, opacity=0.8)
    st.image(data_url(picture), width="stretch", alt=f"Token lengths, {name}. {heatmap.describe_values(values)}")
    st.caption(name)
