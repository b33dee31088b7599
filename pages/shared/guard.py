"""Keeps other websites out: the app answers to its own host names, and its pages run in no other site's frame.

A website that a person visits can send requests to a server on that person's machine. Browsers name the website in
``Origin``; a website that moves its own host name to 127.0.0.1 (DNS rebinding) is recognized by ``Host``.
"""

from urllib.parse import urlsplit
from uuid import uuid4

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.shared.visitor import COOKIE

COOKIE_RULES = "Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
HEADERS = {
    # Streamlit's own scripts and styles need inline code; everything comes from the app itself.
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def middleware() -> list[Middleware]:
    """What every request passes first; the host names are those of ``server.allowedHosts``."""
    hosts = [_bracketed(host) for host in st.get_option("server.allowedHosts")]
    return [Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False), Middleware(SameOrigin)]


def _bracketed(host: str) -> str:
    """The host as it stands in an address: an IPv6 address has brackets."""
    return f"[{host}]" if ":" in host else host


class SameOrigin:
    """Refuses requests and WebSockets that a page of another origin sends, and adds ``HEADERS`` to each answer.

    A browser that has no number yet gets one, by which ``pages.shared.visitor`` knows it again.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and _is_foreign(Headers(scope=scope)):
            await PlainTextResponse("Another origin", status_code=403)(scope, receive, send)
        else:
            await self.app(scope, receive, _with_headers(send, is_new=f"{COOKIE}=" not in _cookies(scope)))


def _is_foreign(headers: Headers) -> bool:
    """Whether a browser sends this for a page of another origin."""
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


def _cookies(scope: Scope) -> str:
    return Headers(scope=scope).get("cookie", "") if scope["type"] == "http" else ""


def _with_headers(send: Send, is_new: bool) -> Send:
    async def send_more(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            if is_new and headers.get("content-type", "").startswith("text/html"):
                headers.append("Set-Cookie", f"{COOKIE}={uuid4().hex}; {COOKIE_RULES}")
        await send(message)

    return send_more
