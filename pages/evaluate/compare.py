"""Two models on the same images: is one better, and where do they differ?"""

import numpy as np
import streamlit as st

from pages.evaluate import asked, cards, making
from pages.evaluate.asked import Asked
from pages.shared import mistakes, models
from pages.shared.literal import literal
from vit import text
from vit.errors import VitError
from vit.evaluation import directory, starting
from vit.evaluation.directory import Evaluation
from vit.evaluation.metrics import Difference
from vit.evaluation.predictions import Predictions

AGAINST, SIDE = "against", "differ"
SIDES = ["Only this model is right", "Only the other model is right"]
HELP = (
    "McNemar's exact test: if both models were equally good, the images that only one of them gets right would fall to "
    "either side like a coin. p is how likely a split as uneven as this is then."
)


def draw(chosen: Asked) -> None:
    """The choice of the other model, the verdict, and the images on which the two differ."""
    names = [name for name in models.names() if name != chosen.model and _fits(name, chosen)]
    if not names:
        st.markdown("There is no other model with these classes to compare with.")
        return
    wanted = st.query_params.get(AGAINST)
    name = st.selectbox("Compare with", names, key=AGAINST, bind="query-params", width=400)
    mistakes.missing("model to compare with", None if wanted in names else wanted, name)
    other = directory.find(name, chosen.data, chosen.evaluation.identity.split)
    if not other.is_there:
        _missing(other)
        return
    _compared(chosen, name, asked.predictions_of(other))


def _fits(name: str, chosen: Asked) -> bool:
    """Whether a model has the same classes; one whose file is damaged is no candidate."""
    try:
        return models.info(name).classes == chosen.classes
    except VitError:
        return False


def _missing(other: Evaluation) -> None:
    if making.is_running(other):
        st.fragment(making.running, run_every=making.REFRESH_SECONDS)(other, making.made(other))
        return
    split = other.identity.split
    st.markdown(f"{literal(other.identity.model)} wasn't evaluated on {split} of this data yet.")
    label = f"Evaluate {literal(other.identity.model)} on {split}{asked.looked(other)}"
    st.button(label, key="evaluate-other", icon=":material/fact_check:", on_click=_start, args=(other,))


def _start(other: Evaluation) -> None:
    with mistakes.kept():
        starting.start(other)


def _compared(chosen: Asked, name: str, rival: Predictions) -> None:
    from vit.evaluation import metrics

    own = chosen.predictions
    if not np.array_equal(own.places, rival.places):
        st.markdown(
            "The two models were trained with other validation splits, so their val images differ. Compare on test."
        )
        return
    found = metrics.mcnemar(own.predicted, rival.predicted, own.labels)
    _verdict(chosen, name, found)
    side = st.segmented_control(
        "Images", SIDES, key=SIDE, bind="query-params", required=True, default=SIDES[0], label_visibility="collapsed"
    )
    count = found.only_first if side == SIDES[0] else found.only_second
    st.caption(f"{text.counted(count, 'image')}, those on which a model is surest first.")
    right = (own.predicted == own.labels, rival.predicted == rival.labels)
    better, worse = right if side == SIDES[0] else right[::-1]
    rows = np.flatnonzero(better & ~worse)
    rows = rows[np.argsort(-np.maximum(own.confidence, rival.confidence)[rows], kind="stable")]
    cards.draw(chosen, rows, "differ-page", lambda row: f"{name} says {chosen.classes[rival.predicted[row]]}")


def _verdict(chosen: Asked, name: str, found: Difference) -> None:
    total = found.only_first + found.only_second + found.both + found.neither
    accuracies = [(found.both + only) / total for only in (found.only_first, found.only_second)]
    better = chosen.model if accuracies[0] > accuracies[1] else name
    words = f"**{literal(better)} is better**" if found.is_clear else "**There is no clear difference**"
    st.markdown(
        f"{words} (p = {found.p_value:.2g}). Accuracy of {literal(chosen.model)} {text.percent(accuracies[0], 2)}, of "
        f"{literal(name)} {text.percent(accuracies[1], 2)}. Both are right on {text.counted(found.both, 'image')}, "
        f"neither on {found.neither:,}.",
        help=HELP,
    )
