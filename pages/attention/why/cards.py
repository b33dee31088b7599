"""One card: a map on the picture, its score beside what chance reaches, and what it can't tell."""

import math
from typing import TYPE_CHECKING

import streamlit as st

from pages.attention.subject import Subject
from pages.shared import colour_bar
from pages.shared.inline import data_url
from vit.plots import heatmap, maps, scale, strip
from vit.plots.scale import Scale

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.evidence import Controls, Evidence
    from vit.explain.methods import Method

SIDE = 380  # pixels: about twice a card's width, for dense screens


def draw(subject: Subject, evidence: "Evidence"):
    """Draw a card.

    Returns:
        The place where its controls belong.
    """
    from vit.explain.methods import METHODS

    method = METHODS[evidence.method]
    st.markdown(f"**{method.title}**")
    _map(subject, evidence.values, method)
    _score(evidence)
    place = st.empty()
    place.caption("Other class … · untrained …")
    st.caption(f"{method.blind_spot} *Cost: {method.cost}.*")
    return place


def _map(subject: Subject, values: "Tensor", method: "Method") -> None:
    """The map over the picture, with its colour bar."""
    unit, tokens = method.unit, subject.info.model.num_tokens
    meaning, table, words = maps.appearance(values, unit=unit, is_signed=method.is_signed, num_tokens=tokens)
    if scale.is_flat(values):
        st.caption(":orange[flat: nothing to see]")
    picture = heatmap.overlay(subject.answer.prediction.seen, values, scale=meaning, size=SIDE, colors=table)
    st.image(data_url(picture), width="stretch", alt=f"{method.title}: {words}")
    colour_bar.draw(meaning, table)


def _score(evidence: "Evidence") -> None:
    score = evidence.score
    value, middle, band = (float(number) for number in (score.advantage, score.random_mean, 2 * score.random_sd))
    st.markdown(f"Score **{value:+.2f}** {_verdict(value, middle - band, middle + band)}")
    words = f"Score {value:+.2f}; random orders {middle:+.2f} ± {band:.2f}"
    st.image(data_url(strip.draw(value, middle - band, middle + band, width=SIDE)), width="stretch", alt=words)
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
    st.image(data_url(picture), width="stretch", alt=f"{title}, {what}. {heatmap.describe_values(values)}")
    colour_bar.draw(meaning)
    st.caption(what[0].upper() + what[1:])
