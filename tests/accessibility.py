"""What axe finds on a page."""

import time

from axe_playwright_python.sync_playwright import Axe

DRAWN_SECONDS = 15
SIDE_BAR = "[data-testid=stSidebar]"  # Streamlit's own


def faults(page, *excluded: str, options: dict | None = None) -> list[tuple[str, str, str]]:
    """Faults that stay: Streamlit fades what it draws anew, and a figure starts empty.

    Returns:
        Rule, impact and HTML of each.
    """
    context = {"exclude": [[selector] for selector in (SIDE_BAR, *excluded)]}
    until = time.monotonic() + DRAWN_SECONDS
    while (found := _found(page, context, options)) and time.monotonic() < until:
        time.sleep(0.5)
    return found


def _found(page, context: dict, options: dict | None) -> list[tuple[str, str, str]]:
    violations = Axe().run(page, context=context, options=options).response["violations"]
    return [(entry["id"], entry["impact"], node["html"]) for entry in violations for node in entry["nodes"]]
