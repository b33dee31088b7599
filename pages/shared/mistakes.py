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
