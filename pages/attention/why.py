"""Why: one card per method, best first, for the class that is asked about."""

import math
from typing import TYPE_CHECKING

import streamlit as st

from pages.attention import tour
from pages.attention.subject import Subject, cached, measured
from pages.shared import glossary, still
from pages.shared.literal import literal
from vit import text
from vit.plots import heatmap, scale
from vit.plots.scale import Scale

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.evidence import Controls, Evidence
    from vit.model import VisionTransformer

COLUMNS, BEST = 3, 3
BADGES = {"beats chance": "green", "can't tell": "gray", "like chance": "gray", "below chance": "orange"}
CONSENSUS, SPREAD = Scale(0.0, 1.0, 1.0, " mean rank", rest=0.5), Scale(0.0, 0.5, 1.0, " of all ranks", rest=0.25)
KEY = (
    ":red[**Red**] patches support it, :blue[**blue**] ones oppose it. Methods without a sign show what matters in "
    "**warm** colors. Colors end at each map's strongest patch, shares of attention at 2x uniform."
)
STEM = (
    "Behind this model's convolutional stem a patch's token also holds some pixels of its neighbors: a map can be "
    "right and still lie one patch beside the object."
)
SCORE_HELP = """
Each map is tested on the model itself: patches are dropped in the map's order, most important first
(**deletion**: the class should vanish soon), and given back in that order (**insertion**: it should return soon). The
**score** is the area under insertion minus the area under deletion, in probability: above 0 if the order finds what
matters. Occlusion and RISE take patches away in the same way as this test does, which favors them.

**Chance** is measured, not drawn: the map's order is cut into six groups (five where the number of patches is odd), and
all 720 (120) orders of these groups are scored. The **rank** is the map's place among them, the gray band holds nine
tenths of them. A map beats chance in the best 5% and is below it in the worst; from 5 to 10% the test **can't tell**,
because other groups could turn the answer. One useless map in twenty beats chance by luck. And the test is strict:
where a single group decides everything, one order in six finds it, so that even a perfect map stays like chance.

**SaCo** compares the groups: +1 if those that the map calls more important always are, 0 by chance.
**Other class** and **untrained** are rank correlations with the map for the likeliest other class, and with that of
the same architecture before training. Near 1, the map is not about the class, or not about what was learned.

Saliency is told in logits per standard deviation (std) of color, summed over a patch's pixels.
"""
SUM_HELP = (
    "The map should add up to the change of the logit between an image of the data's mean color and this one. The gap "
    "is what it misses."
)
CANCELS = (
    "This model's stem evens out contrast: scaling the image hardly changes the answer, so the values cancel out to "
    "about 0, whatever the image shows."
)
AREA_HELP = (
    "Insertion: mean probability of the class while the map's patches are given back, best first; high is good. "
    "Deletion: the same while they are dropped; low is good. SaCo: +1 if patches that the map calls more important "
    "always are, 0 by chance."
)
CONTROL_HELP = (
    "Rank correlation with the map for the likeliest other class, and with that of an untrained model. Near 1, the map "
    "is not about this class, or not about what was learned."
)


def draw(subject: Subject) -> None:
    """The best maps and scores first, the others behind them, then the slower controls into places kept for them."""
    from vit.explain.evidence import by_score
    from vit.explain.methods import METHODS

    share = text.percent(subject.answer.prediction.probabilities[subject.target])
    name, class_name = literal(subject.name), literal(subject.class_name)
    st.markdown(
        f"**Why {name}?** Each map shows which patches matter for it, by one method; the methods are sorted by how "
        f"well they predict what the model ({class_name} {share}) does without those patches. "
        f"Occlusion and RISE remove patches just as this test does, which favors them. {KEY}",
        help=glossary.explained(SCORE_HELP),
    )
    found = measured(
        list(METHODS.values()),
        lambda method, done: f"{method.title}: {done} of {len(METHODS)} methods measured",
        lambda method: evidence(subject, method.name),
    )
    found = by_score(found)
    places = _cards(subject, found[:BEST])
    if not tour.is_full():
        return
    with st.expander(f"More: the other {len(found) - BEST} methods, two of them controls"):
        places += _cards(subject, found[BEST:])
    _agreement(subject, found)
    if subject.info.model.is_hybrid:
        st.caption(STEM)
    with st.expander("How are the maps measured?"):
        st.markdown(SCORE_HELP)
    for place, one in zip(places, found, strict=True):
        control = controls(subject, one.method)
        other, untrained = _correlation(control.other_class), _correlation(control.untrained)
        place.caption(f"Other class {other} · untrained {untrained}", help=CONTROL_HELP)


def _cards(subject: Subject, found: list["Evidence"]) -> list:
    """Draw the cards; returns the place of each one's controls."""
    places = []
    for start in range(0, len(found), COLUMNS):
        row = found[start : start + COLUMNS]
        for column, evidence in zip(st.columns(COLUMNS, gap="small"), row, strict=False):
            with column.container(border=True, height="stretch", gap="xsmall"):
                places.append(_card(subject, evidence))
    return places


def _card(subject: Subject, found: "Evidence"):
    """A map on the image, its score beside what chance reaches, and what it can't tell; returns the controls' place."""
    from vit.explain.methods import METHODS

    method = METHODS[found.method]
    st.markdown(f"**{method.title}**")
    tokens = subject.info.model.num_tokens
    meaning, table, words = heatmap.appearance(
        found.values, unit=method.unit, is_signed=method.is_signed, num_tokens=tokens
    )
    if scale.is_flat(found.values):
        st.caption(":orange[flat: too uniform to show structure]")
    still.draw(subject.answer, found.values, meaning, table, alt=f"{method.title}: {words}")
    _score(found)
    place = st.empty()
    if tour.is_full():
        place.caption("Other class … · untrained …")
    if found.change is not None:
        st.caption(sum_words(float(found.values.sum()), found.change), help=SUM_HELP)
        if found.method == "input_x_gradient" and subject.info.model.stem == "conv":
            st.caption(CANCELS)
    st.caption(f"{method.blind_spot} *Cost: {method.cost}.*")
    return place


def sum_words(total: float, change: float) -> str:
    """How far a map's sum is from the change that it should explain."""
    gap = abs(total - change)
    share = f", {text.percent(gap / abs(change))} of it" if change else ""
    return f"Adds up to {total:+.2f} of {change:+.2f} logits; gap {gap:.2g} logits{share}."


def _score(found: "Evidence") -> None:
    score = found.score
    value, low, high = (float(number) for number in (score.advantage, score.low, score.high))
    verdict, shown = score.verdict(), round(value, 2) + 0.0  # not -0.00
    rank = f"rank {int(score.rank)} of {score.orders}"
    st.markdown(f"Score **{shown:+.2f}** :{BADGES[verdict]}-badge[{verdict}] {rank}")
    st.html(strip(value, low, high))
    if not tour.is_full():
        return
    insertion, deletion, saco = (float(number) for number in (score.insertion, score.deletion, score.saco))
    chance = 2 * float(score.saco_sd)
    st.caption(
        f"Insertion {insertion:.2f}, deletion {deletion:.2f} · SaCo {saco:+.2f} (chance ± {chance:.2f})",
        help=AREA_HELP,
    )


def strip(value: float, low: float, high: float) -> str:
    """A score on a line from -1 to 1, as HTML, beside the gray band that nine in ten orders reach."""
    left, right, mark = (50 * (1 + min(1.0, max(-1.0, number))) for number in (low, high, value))
    parts = [
        "top:10px;width:100%;border-top:1px solid #808080",
        "left:50%;height:100%;border-left:2px solid #808080",
        f"left:{left:.1f}%;width:{right - left:.1f}%;height:100%;background:#80808066",
        f"left:calc({mark:.1f}% - 8px);top:3px;width:16px;height:16px;border-radius:8px;background:#0c8378",
    ]
    words = f"{value:+.2f}; nine in ten orders {low:+.2f} to {high:+.2f}"
    inside = "".join(f'<i style="position:absolute;{part}"></i>' for part in parts)
    style = "position:relative;height:22px;margin:0 8px"
    return f'<div role="img" aria-label="Score {words}" style="{style}">{inside}</div>'


def _correlation(value: float) -> str:
    return "has a flat map" if math.isnan(value) else f"{round(value, 2) + 0.0:+.2f}"  # not -0.00


def _agreement(subject: Subject, found: list["Evidence"]) -> None:
    """Where methods agree, and where they don't."""
    from vit.explain.evidence import consensus, maps_of

    maps = maps_of(found)
    mean, spread = consensus(maps)
    st.subheader("Do the methods agree?", anchor=False)
    left, right, words = st.columns(3, gap="small")
    with left:
        _rank_map(subject, mean[0], "Consensus", "mean rank of a patch, 1 is most important", CONSENSUS)
    with right:
        _rank_map(subject, spread[0], "Disagreement", "spread of a patch's rank over methods", SPREAD)
    words.caption(
        f"Ranks of all {len(maps)} methods, controls left out. Believe the consensus only where the disagreement is "
        "low, and neither more than the scores above: methods can agree and all be wrong."
    )


def _rank_map(subject: Subject, values: "Tensor", title: str, what: str, meaning: Scale) -> None:
    st.markdown(f"**{title}**")
    still.draw(subject.answer, values, meaning, alt=f"{title}, {what}. {heatmap.describe_values(values)}")
    st.caption(what[0].upper() + what[1:])


@cached(1000)
def evidence(subject: Subject, method: str) -> "Evidence":
    """A method's map and its score."""
    from vit.explain import evidence

    return evidence.gather(*subject.loaded(), subject.asked, method)


@cached(1000)
def controls(subject: Subject, method: str) -> "Controls":
    """What a method's map looks like for another class and without training."""
    from vit.explain.evidence import control

    model, inputs = subject.loaded()
    return control(evidence(subject, method), model, _untrained(subject), inputs, subject.asked)


@st.cache_resource(max_entries=3, show_spinner=False, hash_funcs={Subject: lambda subject: subject.answer.version})
def _untrained(subject: Subject) -> "VisionTransformer":
    from vit.explain.evidence import untrained

    return untrained(subject.loaded()[0])
