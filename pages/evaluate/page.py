"""Evaluate: how good a model is on a split, where it fails, and when not to believe it."""

import streamlit as st

from pages.evaluate import asked, compare, confusion, embedding_map, gallery, making, summary, suspects, unusual
from pages.evaluate.asked import Asked
from pages.shared import mistakes, models
from vit import text
from vit.evaluation import directory, starting

TABS = {
    "Summary": summary.draw,
    "Confusion": confusion.draw,
    "Gallery": gallery.draw,
    "Map": embedding_map.draw,
    "Unusual": unusual.draw,
    "Label suspects": suspects.draw,
    "Compare": compare.draw,
}
OPENED = "opened"  # in the address: the evaluation on test that was opened on purpose
TEST_HELP = "Settings that are chosen because of what test says fit to test: the next figure there is too good."


def draw(names: list[str]) -> None:
    """What is evaluated; then its results, or the button that makes them."""
    chosen = asked.choose(names)
    if chosen is None:
        return
    making.follow(chosen)
    if not chosen.evaluation.is_there:
        _invite(chosen)
    elif chosen.evaluation.identity.split == "test" and st.query_params.get(OPENED) != chosen.evaluation.identity.key:
        _open(chosen)
    else:
        _results(chosen)


def _invite(chosen: Asked) -> None:
    """One sentence and one action."""
    if making.is_running(chosen.evaluation):
        return
    count, split = chosen.num_images, chosen.evaluation.identity.split
    seconds = "about half a minute" if count <= 20_000 else "some minutes"
    st.markdown(
        f"Show the model {text.counted(count, 'image')} of {split} that it {_has_learnt(split)}, and see its "
        f"accuracy with an interval, its mistakes and how sure it is. The first figures take {seconds}."
    )
    st.button(
        f"Evaluate on {split}{asked.looked(chosen.evaluation)}",
        type="primary",
        icon=":material/fact_check:",
        key="evaluate",
        on_click=_start,
        args=(chosen,),
        help=TEST_HELP if split == "test" else None,
    )


def _has_learnt(split: str) -> str:
    return "was trained on" if split == "train" else "was not trained on"


def _open(chosen: Asked) -> None:
    """Test is looked at on purpose."""
    st.markdown("There are results on test. Each look at them that leads to a choice makes them less believable.")
    st.button(
        f"Open the results{asked.looked(chosen.evaluation)}",
        type="primary",
        icon=":material/visibility:",
        key="open",
        on_click=_look,
        args=(chosen,),
        help=TEST_HELP,
    )


def _start(chosen: Asked) -> None:
    with mistakes.kept():
        starting.start(chosen.evaluation)
        st.query_params[OPENED] = chosen.evaluation.identity.key


def _look(chosen: Asked) -> None:
    with mistakes.kept():
        directory.note_look(chosen.evaluation)
        st.query_params[OPENED] = chosen.evaluation.identity.key


def _results(chosen: Asked) -> None:
    tabs = st.tabs(list(TABS), key="tab", on_change="rerun", bind="query-params")
    for name, tab in zip(TABS, tabs, strict=True):
        if tab.open:
            with tab:
                _tab(name, chosen)


@st.fragment
def _tab(name: str, chosen: Asked) -> None:
    """A tab, drawn anew by itself: choosing a cell shows its images without the rest of the page."""
    with mistakes.shown():
        TABS[name](chosen)


models.screen("Evaluate", draw)
