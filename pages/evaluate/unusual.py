"""Images unlike the training data, and whether images of something else would be noticed."""

import numpy as np
import pandas as pd
import streamlit as st

from pages.evaluate import cards, making
from pages.evaluate.asked import Asked
from vit import text
from vit.evaluation.parts import FALSE_ALARMS, Unusual

HELP = (
    "Out-of-distribution detection. AUROC: of an image of that kind and one of this split, how often the former has "
    "the higher score; 0.5 is chance. The score adds how far the features of an image, and simple figures of its "
    "pixels, are from the training data."
)


def draw(chosen: Asked) -> None:
    """What the warning of Predict is worth, then this split's most unusual images."""
    found = chosen.evaluation.read("unusual", Unusual)
    if found is None:
        making.wait(chosen.evaluation, "unusual")
        return
    if found.note:
        st.markdown(f"There are no scores: {found.note}.")
        return
    scores = np.array(found.scores)
    warned = float((scores > found.threshold).mean())
    st.markdown(
        f"The model warns about images that are unlike its training data. The threshold lets {FALSE_ALARMS:.0%} of the "
        f"validation images be false alarms; **of this split it warns about {text.percent(warned)}**."
    )
    st.caption(
        "How well images of something else are noticed. Photographs of other things are harder than these.", help=HELP
    )
    table = [
        {"Images": row.name, "AUROC": row.auroc, "Warned about": row.warned, "Number": row.images}
        for row in found.others
    ]
    columns = {
        "AUROC": st.column_config.NumberColumn(format="%.3f"),
        "Warned about": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
    }
    st.dataframe(pd.DataFrame(table), hide_index=True, column_config=columns, alt="Images of something else")
    st.subheader("The most unusual of this split", anchor=False)
    cards.draw(
        chosen, np.argsort(-scores, kind="stable"), "unusual-page", lambda row: _note(scores[row], found.threshold)
    )


def _note(score: float, threshold: float) -> str:
    return f"score {score:.1f}" + (", warned about" if score > threshold else "")
