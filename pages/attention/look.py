"""Look: what each patch reads in every layer and head, what each layer would say, and which parts wrote the answer."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.attention import tour
from pages.attention.subject import Subject, cached
from pages.shared import component, curves, glossary
from pages.shared.inline import data_url
from pages.shared.viewer import viewer
from vit.plots import colors
from vit.plots.scale import Scale

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.internals import Contributions

EXPLANATION = """
In every layer, every head lets each token take in information from all tokens: **attention** says from which, and how
much; what one token takes in sums to 100%. **1x uniform** would be the same from all. Colors end at 2x in every map
and image, so the same color always is the same number; **per map** stretches them over one map's own range instead.

- **Mean** is the average over the heads of a layer. **Rollout** follows attention through all layers up to that one,
  half of it staying in place because of the residual connection (Abnar & Zuidema 2020, arXiv:2005.00928).
- **Class token** is what the classifier reads; models without one read the **mean of the patches**.
- **What it reads** shows from where the chosen token takes in information, **who reads it** which patches take in its.
- **Flat** means that a map's values differ by less than 5%: too uniform to show structure.
- **Keys** on the image: arrows move the patch, square brackets the layer, comma and full stop the head; Esc returns
  to the start.

Attention says where information *could* come from. It doesn't know the class, and it doesn't say what the information
did.
"""
HELP = (
    "Warm patches: what the classifier reads most, through all layers (attention rollout). Point at a patch to see "
    "what it reads itself, click to keep it, and click a small map for another layer or head. Layers, heads, rows and "
    "columns are counted from 0."
)
SUPPORTS, OPPOSES = (f"rgb({', '.join(map(str, colors.table(colors.SIGNED)[place]))})" for place in (200, 55))

_lens = component.register("vit_lab_lens", Path(__file__).with_name("lens.js"))


def draw(subject: Subject) -> None:
    """The viewer, how to use it, and what each layer would say."""
    st.caption(HELP, help=glossary.explained(HELP))
    viewer.draw(subject.answer)
    with st.expander("What am I looking at?"):
        st.markdown(EXPLANATION)
    if tour.is_full():
        _draw_lens(subject)


def _draw_lens(subject: Subject) -> None:
    """What the model would predict after each layer, and what each part adds to the answer."""
    st.subheader("What would the model predict after each layer?", anchor=False)
    _lens(key="lens", data=lens_data(subject))
    read = "class token" if subject.info.model.pool == "cls" else "mean of the patches"
    st.caption(
        "The head reads every token after every layer as if it were the last (logit lens, nostalgebraist 2020). It has "
        f"only learned to read the {read} after the last layer, so early maps can be odd. Bars: what each part adds to "
        "the logit itself, with the last norm held still; together they are the logit (Elhage et al. 2021)."
    )


@cached(50)
def lens_data(subject: Subject) -> dict:
    """What every patch and the whole say before the first layer and after each, and what each part adds."""
    from vit.explain import internals

    model, inputs = subject.loaded()
    patches = internals.logit_lens(model, subject.trace)[:, 0, subject.trace.num_prefix_tokens :]  # (L + 1, P, K)
    whole = internals.pooled_lens(model, subject.trace)  # (L + 1, 1, K)
    return {
        "photo": data_url(subject.answer.crop, "JPEG"),
        "grid": subject.info.model.grid_size,
        "classes": subject.info.classes,
        "asked": subject.name,
        "scale": vars(Scale(0.0, 1.0, rest=1 / len(subject.info.classes))),  # at rest: a guess
        "patches": _said(subject, patches),
        "whole": _said(subject, whole),
        "summary": summary(subject, whole),
        "parts": parts(internals.direct_logit_attribution(model, inputs, subject.asked)),
        "colors": {"supports": SUPPORTS, "opposes": OPPOSES},
    }


def _said(subject: Subject, logits: "Tensor") -> list[dict]:
    """Per layer: the asked class's probabilities, the likeliest classes, and theirs."""
    from vit.explain.target import probability

    shares, tops = probability(logits, subject.asked), logits.softmax(-1).max(-1)
    return [
        {"shares": curves.significant(own), "tops": top, "topShares": curves.significant(most)}
        for own, top, most in zip(shares.tolist(), tops.indices.tolist(), tops.values.tolist(), strict=True)
    ]


def summary(subject: Subject, whole: "Tensor") -> str:
    """When the answer is found."""
    from vit.explain.internals import decision_depth

    depth, name = int(decision_depth(whole)), subject.info.classes[int(whole[-1, 0].argmax())]
    return f"The answer is {name} {'even before the first layer' if depth == 0 else f'from layer {depth - 1} onwards'}."


def parts(found: "Contributions") -> dict:
    """What each part adds to the logit: a table with a row per layer, and what lies before and after the layers."""
    import torch

    return {
        "columns": [*(f"head {head}" for head in range(found.heads.shape[-1])), "MLP", "bias"],
        "layers": torch.column_stack([found.heads[0], found.mlp[0], found.attention_bias[0]]).tolist(),
        "embedding": float(found.embedding),
        "end": float(found.head_bias),
        "total": round(float(found.total()), 2),
    }
