"""One card: a map on the picture, its score beside what chance reaches, and what it can't tell."""

import math
from typing import TYPE_CHECKING

import streamlit as st

from pages.attention.subject import Subject
from vit.plots import colors, heatmap, scale, strip
from vit.plots.scale import Scale

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.evidence import Controls, Evidence
    from vit.explain.methods import Method

SIDE = 190  # pixels: about a card's width, so that the numbers under a colour bar stay legible


def draw(subject: Subject, evidence: "Evidence"):
    """Draw a card.

    Returns:
        The place where its controls belong.
    """
    from vit.explain.methods import METHODS

    method = METHODS[evidence.method]
    st.markdown(f"**{method.title}**")
    _map(subject, evidence.values, scale_of(evidence.values, method), method)
    _score(evidence)
    place = st.empty()
    place.caption("Other class … · untrained …")
    st.caption(f"{method.blind_spot} *Cost: {method.cost}.*")
    return place


def scale_of(values: "Tensor", method: "Method") -> Scale:
    """Signed maps get a scale with 0 in the middle; the others one from their lowest to their highest value."""
    meaning = scale.signed(values) if method.is_signed else scale.per_map(values)
    is_share = method.unit.strip() == "of attention"
    return scale.told_in(meaning, 100, " %") if is_share else scale.told_in(meaning, 1, method.unit)


def _map(subject: Subject, values: "Tensor", meaning: Scale, method: "Method") -> None:
    table = colors.DIVERGING if method.is_signed else "viridis"
    seen = subject.answer.prediction.seen
    words = f"{method.title}: highest at {heatmap.highest(values)}."
    if scale.is_flat(values):
        words = f"{method.title}: flat, the same everywhere."
        st.caption(":orange[flat: nothing to see]")
    st.image(heatmap.overlay(seen, values, scale=meaning, size=SIDE, colors=table), width="stretch", alt=words)
    st.image(heatmap.colour_bar(meaning, width=SIDE, colors=table), width="stretch", alt=f"Colours: {_range(meaning)}")


def _range(meaning: Scale) -> str:
    return f"{meaning.text(meaning.low)} to {meaning.text(meaning.high)}"


def _score(evidence: "Evidence") -> None:
    score = evidence.score
    value, middle, band = (float(number) for number in (score.advantage, score.random_mean, 2 * score.random_sd))
    st.markdown(f"Score **{value:+.2f}** {_verdict(value, middle - band, middle + band)}")
    words = f"Score {value:+.2f}; random orders {middle:+.2f} ± {band:.2f}"
    st.image(strip.draw(value, middle - band, middle + band, width=SIDE), width="stretch", alt=words)
    insertion, deletion, saco = (float(number) for number in (score.insertion, score.deletion, score.saco))
    chance = 2 * float(score.saco_random_sd)
    st.caption(f"Insertion {insertion:.2f}, deletion {deletion:.2f} · SaCo {saco:+.2f} (random ± {chance:.2f})")


def _verdict(value: float, low: float, high: float) -> str:
    if value > high:
        return ":green-badge[beats chance]"
    return ":gray-badge[within chance]" if value >= low else ":orange-badge[below chance]"


def control_line(controls: "Controls") -> str:
    """Both rank correlations in words."""
    return f"Other class {_correlation(controls.other_class)} · untrained {_correlation(controls.untrained)}"


def _correlation(value: float) -> str:
    return "has a flat map" if math.isnan(value) else f"{value:+.2f}"


def rank_map(subject: Subject, values: "Tensor", title: str, what: str, most: float) -> None:
    """A map of ranks, or of their spread, from 0 to ``most``."""
    meaning = Scale(0.0, most, 1.0, "")
    st.markdown(f"**{title}**")
    picture = heatmap.overlay(subject.answer.prediction.seen, values, scale=meaning, size=SIDE)
    st.image(picture, width="stretch", alt=f"{title}: {what}; highest at {heatmap.highest(values)}.")
    st.image(heatmap.colour_bar(meaning, width=SIDE), width="stretch", alt=f"Colours: {_range(meaning)}")
    st.caption(what[0].upper() + what[1:])
