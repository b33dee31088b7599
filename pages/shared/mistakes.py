"""A person's mistake, a model that is gone, or a disk that refuses, is shown as the sentence that it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pages.shared.literal import literal
from vit.errors import VitError, refused

REFUSED = "refused"


@contextmanager
def shown() -> Iterator[None]:
    """Show it where it happens. A fragment needs this for itself: it also runs without its page around it."""
    try:
        yield
    except (VitError, OSError) as error:
        st.error(_sentence(error))


@contextmanager
def kept(where: str = REFUSED) -> Iterator[None]:
    """Keep it for the next drawing, because what a click does runs before there is a place to show it."""
    try:
        yield
    except (VitError, OSError) as error:
        st.session_state[where] = _sentence(error)


def _sentence(error: VitError | OSError) -> str:
    return literal(refused(error) if isinstance(error, OSError) else error)


def told(where: str = REFUSED) -> None:
    """Show what was kept, once."""
    if where in st.session_state:
        st.error(st.session_state.pop(where))


def missing(kind: str, wanted: str | None, shown: str) -> None:
    """Say that what a link asks for isn't there, until something else is chosen.

    Args:
        kind: What it is, such as "model".
        wanted: Its name in the link; None if the link asks for nothing, or for something that is there.
        shown: What is shown in its place.
    """
    key = f"missing_{kind}"
    if wanted is not None:
        st.session_state[key] = wanted, shown
    told, instead = st.session_state.get(key, (None, None))
    if instead == shown:
        name = literal(f"{told[:60]!r}")
        st.warning(f"There is no {kind} called {name} here. You see {literal(shown)}.", icon=":material/link_off:")
