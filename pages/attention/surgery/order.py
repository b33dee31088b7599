"""Does the order of the patches matter? Only because of the position embeddings, and this shows it."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.attention import asked
from pages.attention.asked import Question
from pages.attention.subject import Subject
from pages.shared import words

ROUNDING = 1e-4  # of a probability; far above float32 sums in another order, far below what can be seen

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.perturbation import Shuffled


def draw(subject: Subject) -> None:
    """The same shuffle with and without positions, in numbers."""
    st.markdown("**Does the order of the patches matter?**")
    found = _shuffled(asked.question(subject), subject)
    if subject.info.model.pos_embed != "none":
        _line("With position embeddings", subject, found.before, found.after)
    _line("Without position embeddings", subject, found.before_without, found.after_without)
    st.caption(
        "All patches' contents change places behind the patch embedding. Attention and MLPs have no notion of order: "
        "only the position embeddings tell tokens where they are. Without them, what is left is rounding."
    )


def _line(which: str, subject: Subject, before: "Tensor", after: "Tensor") -> None:
    """What shuffling does, as a sentence."""
    name, most = subject.info.classes[subject.target], float((after - before).abs().max())
    first, second = (words.percent(float(values[0, subject.target])) for values in (before, after))
    effect = "changes nothing" if most < ROUNDING else "changes the answer"
    st.markdown(f"{which}, shuffling **{effect}**: {name} {first} → {second}, largest change of any class {most:.1g}.")


@st.cache_resource(max_entries=100, show_spinner=False)
def _shuffled(question: Question, _subject: Subject) -> "Shuffled":
    from vit.explain import perturbation

    return perturbation.shuffle_contents(*asked.model_and_inputs(_subject))
