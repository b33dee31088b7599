"""Why: one card per method, best first, for the class that is asked about."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.attention import subject as subjects
from pages.attention.subject import Subject
from pages.attention.why import cards, measured

if TYPE_CHECKING:
    from vit.explain.evidence import Evidence

COLUMNS = 3
STEM = (
    "Behind this model's convolutional stem a patch's token also holds some pixels of its neighbours: a map can be "
    "right and still lie one patch beside the object."
)
SCORE_HELP = """
Each map is put to the test on the model itself: patches are dropped in the map's order, most important first
(**deletion**: the class should vanish soon), and given back in that order (**insertion**: it should return soon). The
**score** is the area under insertion minus the area under deletion, in probability: above 0 if the order finds what
matters. The grey band is what random orders reach, two standard deviations to each side.

**SaCo** compares groups of patches: +1 if those that the map calls more important always are, 0 by chance.
**Other class** and **untrained** are rank correlations with the map for the likeliest other class, and with that of
the same architecture before training. Near 1, the map is not about the class, or not about what was learned.
"""


def draw(subject: Subject) -> None:
    """Maps and scores first, then the slower controls into places kept for them."""
    st.markdown(f"**{subject.question}** {subjects.probability(subject)}")
    found = _found(subject)
    places = _cards(subject, found)
    _agreement(subject, found)
    if subject.info.model.stem == "conv":
        st.caption(STEM)
    with st.expander("How are the maps measured?"):
        st.markdown(SCORE_HELP)
    for place, evidence in zip(places, found, strict=True):
        place.caption(cards.control_line(measured.controls(subject, evidence)))


def _found(subject: Subject) -> list["Evidence"]:
    """Every method's map with its score, best first; says how far it is."""
    from vit.explain.evidence import by_score
    from vit.explain.methods import METHODS

    progress, found = st.empty(), []
    try:
        for done, method in enumerate(METHODS.values()):
            progress.progress(done / len(METHODS), text=f"{method.title}: {done} of {len(METHODS)} methods measured")
            found.append(measured.evidence(subject, method.name))
    finally:  # a method that refuses leaves its sentence, and no bar that stands still
        progress.empty()
    return by_score(found)


def _cards(subject: Subject, found: list["Evidence"]) -> list:
    """Draw the cards; returns the place of each one's controls."""
    places = []
    for start in range(0, len(found), COLUMNS):
        row = found[start : start + COLUMNS]
        for column, evidence in zip(st.columns(COLUMNS, gap="small"), row, strict=False):
            with column.container(border=True, height="stretch", gap="xsmall"):
                places.append(cards.draw(subject, evidence))
    return places


def _agreement(subject: Subject, found: list["Evidence"]) -> None:
    """Where methods agree, and where they don't."""
    from vit.explain.evidence import consensus, maps_of

    maps = maps_of(found)
    mean, spread = consensus(maps)
    st.subheader("Do the methods agree?", anchor=False)
    left, right, words = st.columns(3, gap="small")
    with left:
        cards.rank_map(subject, mean[0], "Consensus", "mean rank of a patch, 1 is most important", 1.0)
    with right:
        cards.rank_map(subject, spread[0], "Disagreement", "spread of a patch's rank over methods", 0.5)
    words.caption(
        f"Ranks of all {len(maps)} methods, controls left out. Believe the consensus only where the disagreement is "
        "low, and neither more than the scores above: methods can agree and be wrong together."
    )
