"""A guided tour over the tabs, and the switch between a few controls and all of them."""

from dataclasses import dataclass

import streamlit as st

STEP, TAB, FULL = "tour", "tab", "full"  # in the address


@dataclass(frozen=True)
class Stop:
    """A tab: what can be seen there, and one thing to do."""

    tab: str
    see: str
    do: str


STOPS = [
    Stop(
        "Look",
        "Warm patches are those that the prediction draws from, through all layers.",
        "Point at a patch of the animal or the thing, and see which other patches it reads.",
    ),
    Stop(
        "Why",
        "Attention doesn't know the class. These maps do: red patches speak for the prediction, blue ones against it.",
        "Choose another class on the left, such as the second likeliest, and see which patches speak for that one.",
    ),
    Stop(
        "Ablate",
        "A map is a claim. Here it is tested: whatever is switched off, the model has to do without.",
        "Drag over the patches that were red. Does the prediction fall? Then try as many that were not.",
    ),
    Stop(
        "Evolve",
        "All of this was learned. The film shows the same image through the checkpoints of the training.",
        "Press play, and find the step from which the prediction stays the same.",
    ),
]


def is_full() -> bool:
    """Whether all controls are shown, and not only those that a beginner needs."""
    return bool(st.session_state.get(FULL, True))


def controls() -> None:
    """What begins the tour, and the switch."""
    if current(st.query_params.get(STEP)) is None:
        st.button("Guided tour", icon=":material/tour:", on_click=_go, args=(0,), type="tertiary")
    st.toggle(
        "All controls",
        value=True,
        key=FULL,
        bind="query-params",
        help="Off: only what a first look needs. On: every method, statistic and setting.",
    )


def follow() -> None:
    """The stop of the tour, if one is taken: a sentence, something to do, and the way on."""
    place = current(st.query_params.get(STEP))
    if place is None:
        return
    stop = STOPS[place]
    with st.container(border=True, key="stop"):
        st.markdown(f"**Tour, {place + 1} of {len(STOPS)}: {stop.tab}.** {stop.see}\n\n**Do:** {stop.do}")
        with st.container(horizontal=True, gap="small"):
            if place:
                st.button("Back", icon=":material/arrow_back:", on_click=_go, args=(place - 1,))
            if place + 1 < len(STOPS):
                following = STOPS[place + 1].tab
                st.button(f"Next: {following}", icon=":material/arrow_forward:", on_click=_go, args=(place + 1,))
            st.button("End the tour", on_click=_end, type="tertiary")


def current(word: str | None) -> int | None:
    """The stop that an address names, counted from 0 here and from 1 there."""
    return int(word) - 1 if word is not None and word.isdecimal() and 1 <= int(word) <= len(STOPS) else None


def _go(place: int) -> None:
    st.query_params[STEP] = str(place + 1)
    st.session_state[TAB] = STOPS[place].tab


def _end() -> None:
    st.query_params.pop(STEP, None)
