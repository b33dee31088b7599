"""A person's mistake, or a model that is gone, is shown as the sentence that it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from vit.errors import VitError


@contextmanager
def shown() -> Iterator[None]:
    """Show a VitError where it happens. A fragment needs this for itself: it also runs without its page around it."""
    try:
        yield
    except VitError as error:
        st.error(str(error))


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
        name = told.replace("`", "")[:60] or " "  # as code, where nothing is markup
        st.warning(f"There is no {kind} called `{name}` here. You see {shown}.", icon=":material/link_off:")
