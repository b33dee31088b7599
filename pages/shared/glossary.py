"""Words of the explanations, each in one or two plain sentences, shown where a text uses them."""

import re

TERMS = {
    "attention rollout": "Attention of all layers multiplied together, half of it staying in place because of the "
    "residual connections: how much the answer draws from each patch (Abnar & Zuidema 2020).",
    "class token": "An extra token without a place. The classifier reads it, so it gathers what matters.",
    "register": "An extra token that nobody reads at the end, as a place for notes (Darcet et al. 2023).",
    "logit lens": "Reading a token in the middle of the model as if it were the last one.",
    "logit": "What the model gives each class before they are turned into probabilities.",
    "deletion": "Dropping patches, most important first: after a good map the class vanishes soon.",
    "insertion": "Giving patches back, most important first: after a good map the class returns soon.",
    "SaCo": "Compares groups of patches: +1 if those that a map calls more important always are, 0 by chance.",
    "ablation": "Switching a part off, and looking at what changes.",
    "direct logit attribution": "What each part adds to the logit by itself; together the parts are the logit.",
    "head": "One of several attentions side by side in a layer; each has queries, keys and values of its own.",
    "patch": "A small square of the image: one token of the sequence.",
    "faithfulness": "Whether a map tells what the model really uses, measured by taking patches away.",
    "checkpoint": "The weights as they were at one step of the training.",
}


def explained(words: str) -> str | None:
    """The terms that a text uses, with their meaning, as a tooltip; None if it uses none."""
    found = [f"**{term}**: {meaning}" for term, meaning in TERMS.items() if _uses(words, term)]
    return "\n\n".join(found) or None


def _uses(words: str, term: str) -> bool:
    return re.search(rf"\b{re.escape(term)}(s|es)?\b", words, re.IGNORECASE) is not None
