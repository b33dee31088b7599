"""The logit lens and what each part adds, as a component that is explored without asking the server."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.attention import asked
from pages.attention.asked import Question
from pages.attention.subject import Subject
from pages.shared import curves
from pages.shared.inline import data_url
from vit.plots import colors
from vit.plots.scale import Scale

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.internals import Contributions

HERE = Path(__file__).parent
SHARES = Scale(0.0, 1.0)  # of probability: the same colours in every layer and picture
FOR, AGAINST = 200, 55  # places of the bars' colours in the table of colours with a sign

_mount = st.components.v2.component(
    "vit_lab_lens",
    html=(HERE / "lens.html").read_text(),
    css=(HERE / "lens.css").read_text(),
    js="\n".join((HERE / name).read_text() for name in ("../look/maps.js", "../evolve/film_draw.js", "lens.js")),
)


def draw(subject: Subject) -> None:
    """Maps of all layers, and the parts' bars."""
    st.subheader("What would it say after each layer?", anchor=False)
    _mount(key="lens", data=_data(asked.question(subject), subject))
    read = "class token" if subject.info.model.pool == "cls" else "mean of the patches"
    st.caption(
        "The head reads every token after every layer as if it were the last (logit lens, nostalgebraist 2020). It has "
        f"only learned to read the {read} after the last layer, so early maps can be odd. Bars: what each part writes "
        "itself, with the last norm held still; together they are the logit (Elhage et al. 2021)."
    )


@st.cache_resource(max_entries=50, show_spinner=False)
def _data(question: Question, _subject: Subject) -> dict:
    config = _subject.info.model
    return {
        "seen": data_url(_subject.answer.prediction.seen),
        "grid": config.grid_size,
        "classes": _subject.info.classes,
        "asked": _name(_subject),
        "scale": vars(SHARES),
        "colors": {"viridis": colors.table("viridis").tolist()},
        **_maps(_subject),
        "parts": _parts(_subject),
    }


def _name(subject: Subject) -> str:
    name = subject.info.classes[subject.target]
    return name if subject.contrast is None else f"{name} rather than {subject.info.classes[subject.contrast]}"


def _maps(subject: Subject) -> dict:
    """What every patch and the whole say before the first layer and after each: lists of L + 1."""
    from vit.explain import internals

    model, _ = asked.model_and_inputs(subject)
    patches = internals.logit_lens(model, subject.trace)[:, 0, subject.trace.num_prefix_tokens :]  # (L + 1, P, K)
    whole = internals.pooled_lens(model, subject.trace)  # (L + 1, 1, K)
    return {"patches": _said(subject, patches), "whole": _said(subject, whole), "summary": _summary(subject, whole)}


def _said(subject: Subject, logits: "Tensor") -> list[dict]:
    """Per layer: the asked class's probabilities, the likeliest classes, and theirs."""
    from vit.explain.target import probability

    shares, tops = probability(logits, asked.target(subject)), logits.softmax(-1).max(-1)
    rows = zip(shares.tolist(), tops.indices.tolist(), tops.values.tolist(), strict=True)
    return [
        {"shares": curves.significant(own), "tops": top, "topShares": curves.significant(most)}
        for own, top, most in rows
    ]


def _summary(subject: Subject, whole: "Tensor") -> str:
    """When the answer is found."""
    from vit.explain.internals import decision_depth

    depth, name = int(decision_depth(whole)), subject.info.classes[int(whole[-1, 0].argmax())]
    since = "Even before the first layer" if depth == 0 else f"From layer {depth - 1} on"
    return f"{since}, the answer is {name} and stays it."


def _parts(subject: Subject) -> dict:
    """What each part adds to the asked class's logit."""
    from vit.explain.internals import direct_logit_attribution

    model, inputs = asked.model_and_inputs(subject)
    found = direct_logit_attribution(model, inputs, asked.target(subject))
    for_, against = (f"rgb({', '.join(map(str, colors.table(colors.DIVERGING)[place]))})" for place in (FOR, AGAINST))
    return {"rows": _rows(found), "total": round(float(found.total()), 2), "for": for_, "against": against}


def _rows(found: "Contributions") -> list[dict]:
    """Embedding, then a row per layer, then the biases of the end; each a list of (name, logits)."""
    rows = [{"name": "before layer 0", "parts": [["embedding", float(found.embedding)]]}]
    for layer, heads in enumerate(found.heads[0].tolist()):
        parts = [[f"head {head}", value] for head, value in enumerate(heads)]
        parts += [["MLP", float(found.mlp[0, layer])], ["bias", float(found.attention_bias[0, layer])]]
        rows.append({"name": f"layer {layer}", "parts": parts})
    return [*rows, {"name": "at the end", "parts": [["biases of the norm and the classifier", float(found.head_bias)]]}]
