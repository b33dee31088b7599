"""Which model, and how its attention is drawn. Everything chosen here is in the address, so a link brings it back."""

import streamlit as st

from pages.shared import models, words
from pages.shared.looks import Look
from vit.config import ModelConfig

# What a control shows is also what it writes into the address, so options are words that suit both.
OVERLAYS = ["rollout", "layer", "off"]
OVERLAY_HELP = (
    "**Rollout** follows attention through all layers to what the head reads; **layer** shows a single one, raw."
)
SCALES = {"relative": "times_uniform", "absolute": "absolute", "per map": "per_map"}
SCALE_HELP = (
    "What the colours mean. **Relative**: multiples of looking everywhere alike. **Absolute**: shares of attention, "
    "with the same colours in every picture. **Per map**: from this map's lowest to its highest value."
)
MEAN = "mean"


def model_picker(names: list[str]) -> str:
    """The model to ask."""
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    model = left.selectbox("Model", names, key="model", bind="query-params")
    info = models.info(model)
    config = info.model
    accuracy = info.metrics.get("val_accuracy")
    reached = f"{words.percent(accuracy)} val accuracy · " if accuracy is not None else ""
    right.caption(
        f"{reached}{info.data.get('name', 'unknown data')}, {len(info.classes)} classes · "
        f"{config.image_size}×{config.image_size} pixels as {config.num_patches} patches · "
        f"{config.depth} layers × {config.num_heads} heads"
    )
    return model


def look(config: ModelConfig) -> Look:
    """The row of controls above the pictures."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="look"):
        overlay = _choice("Attention", OVERLAYS, "overlay", OVERLAY_HELP)
        layer, head = _layer_and_head(config) if overlay == "layer" else (0, None)
        if overlay == "off":
            return Look(overlay, grid=_grid())
        opacity = st.slider("Opacity", 0, 100, 60, 5, format="%d %%", key="opacity", bind="query-params", width=110)
        scale = SCALES[_choice("Scale", list(SCALES), "scale", SCALE_HELP)]
        return Look(overlay, layer, head, opacity / 100, scale, _grid())


def _choice(label: str, options: list[str], key: str, help_: str) -> str:
    once = {"default": options[0], "required": True}
    return st.segmented_control(label, options, key=key, bind="query-params", help=help_, **once)


def _layer_and_head(config: ModelConfig) -> tuple[int, int | None]:
    """Layer and head as numbers; no head is the mean of all."""
    layers = [str(layer) for layer in range(config.depth)]
    heads = [MEAN, *(str(head) for head in range(config.num_heads))]
    layer = st.selectbox("Layer", layers, index=len(layers) - 1, key="layer", bind="query-params", width=80)
    head = st.selectbox("Head", heads, key="head", bind="query-params", width=95)
    return int(layer), None if head == MEAN else int(head)


def _grid() -> bool:
    return st.toggle("Token grid", value=True, key="grid", bind="query-params")
