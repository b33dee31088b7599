"""Who visits, on a server that several people share: to tell their runs and pinned images apart, not for security."""

import streamlit as st

COOKIE = "vit_visitor"
ANONYMOUS = "visitor:"  # begins the name of somebody who has not logged in
LENGTH = 80  # what a pinned image keeps of its owner's name


def current() -> str:
    """The name of the visitor: who has logged in, or else a number kept by the browser.

    Empty for a browser on the machine of the server, which belongs to one person.
    """
    if st.user.get("is_logged_in"):
        return str(st.user.get("email") or st.user.get("name") or "")[:LENGTH]
    if st.context.ip_address is None:  # what Streamlit says for localhost
        return ""
    number = st.context.cookies.get(COOKIE, "")
    return f"{ANONYMOUS}{number}"[:LENGTH] if number else ""


def is_foreign(owner: str) -> bool:
    """Whether something that somebody owns is someone else's."""
    return bool(owner) and owner != current()


def called(owner: str) -> str:
    """How a page names an owner."""
    return "another visitor" if owner.startswith(ANONYMOUS) else owner
