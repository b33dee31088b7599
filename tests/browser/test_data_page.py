"""A look into a data set is in the address, with everything that is chosen there."""

import pytest
from playwright.sync_api import expect


@pytest.mark.slow
def test_a_look_into_a_data_set_has_an_address_and_a_way_back(page, server):
    page.goto(f"{server.url}/data")
    page.get_by_role("link", name="Look inside").first.click()
    page.wait_for_url("**/data?set=shapes")
    page.get_by_role("tab", name="About").click()
    expect(page.get_by_role("heading", name="Classes")).to_be_visible()
    page.wait_for_url("**/data?set=shapes&tab=About")
    page.reload()
    expect(page.get_by_role("heading", name="Classes")).to_be_visible()
    page.get_by_role("link", name="All data sets").click()
    page.wait_for_url("**/data")
    page.reload()
    expect(page.get_by_role("heading", name="Data", level=1, exact=True)).to_be_visible()
