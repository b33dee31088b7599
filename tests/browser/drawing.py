"""When a page is drawn."""

from playwright.sync_api import expect


def until_drawn(page) -> None:
    """Wait until a page's script has ended and nothing old is left: a click into a part drawn anew would be lost."""
    page.locator("[data-test-script-state=notRunning]").wait_for()
    expect(page.locator("[data-testid=stMain] [data-stale=true]")).to_have_count(0)
