"""How few patches are enough for the class, and how few have to go to lose it."""

import streamlit as st
from PIL import Image

from pages.attention import asked
from pages.attention.asked import Question
from pages.attention.subject import Subject
from pages.shared.inline import data_url
from vit.plots import heatmap

SIDE = 400  # pixels


def draw(subject: Subject) -> None:
    """Both counts with their pictures, in the order that occlusion gives."""
    st.markdown("**Fewest patches**")
    name, total = subject.info.classes[subject.target], subject.info.model.num_patches
    enough, fatal, ranked = _fewest(asked.question(subject), subject)
    left, right = st.columns(2, gap="small")
    with left:
        _picture(subject, ranked[enough:] if enough is not None else (), f"What is enough for {name}")
        st.caption(_enough(enough, total, name))
    with right:
        _picture(subject, ranked[:fatal] if fatal is not None else (), f"What has to go to lose {name}")
        st.caption(_fatal(fatal, total, name))
    st.caption("Patches are taken in the order of occlusion; another order might need fewer.")


def _enough(count: int | None, total: int, name: str) -> str:
    if count is None:
        return f"No number of them makes the answer {name}."
    if count == 0:
        return f"The model says {name} without seeing any patch: here, it is what it falls back on."
    return f"The first {count} of {total} patches {'is' if count == 1 else 'are'} enough."


def _fatal(count: int | None, total: int, name: str) -> str:
    if count is None:
        return f"It stays {name} whatever is taken away."
    if count == 0:
        return f"The answer isn't {name} to begin with."
    return f"Without the first {count} of {total} patches it is no longer {name}."


def _picture(subject: Subject, dropped: tuple[int, ...], alt: str) -> None:
    seen = subject.answer.prediction.seen.convert("RGB")
    st.image(data_url(blackened(seen, dropped, subject.info.model.patch_size, SIDE)), width="stretch", alt=alt)


def blackened(seen: Image.Image, dropped: tuple[int, ...], side: int, size: int) -> Image.Image:
    """The picture with dropped patches darkened, under its token grid."""
    shown = seen.copy()
    for patch in dropped:
        row, column = divmod(patch, seen.width // side)
        shown.paste((24, 24, 24), (column * side, row * side, (column + 1) * side, (row + 1) * side))
    return heatmap.token_grid(shown, side, size)


@st.cache_resource(max_entries=100, show_spinner="Looking for the fewest patches")
def _fewest(question: Question, _subject: Subject) -> tuple[int | None, int | None, tuple[int, ...]]:
    """How many are enough, how many have to go, and the order that they are taken in."""
    from vit.explain import perturbation, scores, surgery

    model, inputs = asked.model_and_inputs(_subject)
    target = asked.target(_subject)
    ranked = scores.ranked(perturbation.occlusion(model, inputs, target))
    enough = surgery.smallest_keeping(model, inputs, target, ranked)[0]
    fatal = surgery.smallest_flipping(model, inputs, target, ranked)[0]
    return enough, fatal, tuple(ranked[0].tolist())
