"""The project's own components: markup and styles from files, and a script that is an ES module with imports.

Streamlit loads an inline script from a blob, where ``import`` can't name a neighbor. So what it gets is one line that
fetches the real module from this server (``pages.shared.server`` mounts ``modules``). The address carries a digest of
all scripts: a browser keeps them until one changes.
"""

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from streamlit.components import v2

PAGES = Path(__file__).parents[1]
ROUTE = "modules"


def register(name: str, script: Path, **options) -> Callable:
    """Register a script, whose default export draws, as a component; its markup is the ``.html`` beside it, if any.

    Returns:
        What mounts it, as of ``st.components.v2.component``.
    """
    markup = script.with_suffix(".html")
    html = markup.read_text() if markup.exists() else None
    if html and options.get("isolate_styles", True):  # elsewhere the styles would be the whole app's
        html = f"<style>\n{Path(__file__).with_suffix('.css').read_text()}</style>\n{html}"
    address = f"{ROUTE}/{digest()}/{script.relative_to(PAGES).as_posix()}"
    loader = f'const loaded = await import(new URL("{address}", document.baseURI));\nexport default loaded.default;\n'
    return v2.component(name, html=html, js=loader, **options)


@functools.cache
def digest() -> str:
    """Names the scripts' content."""
    found = hashlib.sha256()
    for path in sorted(PAGES.rglob("*.js")):
        found.update(path.read_bytes())
    return found.hexdigest()[:12]


class Modules(StaticFiles):
    """The scripts in ``pages/`` and nothing else that lies there, below a first folder that is their digest."""

    async def get_response(self, path: str, scope) -> Response:
        _, _, script = path.replace("\\", "/").partition("/")
        if not script.endswith(".js"):
            raise HTTPException(404)
        response = await super().get_response(script, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
