"""First visits, and what stays in the address."""

import time

import pytest
from playwright.sync_api import expect
from worlds import saved, written_run

from vit.runs import launch

PAINT_SECONDS = 20  # 3 on an idle machine; tests share theirs, and once it was 12
SCREENS = ["Start", "Train", "Runs", "Experiments", "Data", "Predict", "Attention", "Evaluate", "Learn"]
TITLES = {"": "ViT Lab"} | {name.lower(): name for name in SCREENS[1:]}


ADDRESSES = [
    "",
    "train",
    *(
        pytest.param(address, marks=pytest.mark.slow)
        for address in ("runs", "experiments", "data", "predict", "attention", "evaluate")
    ),
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_first_visit_to_any_address_of_a_fresh_server_shows_that_page_in_the_frame(fresh_server, page, address):
    began = time.monotonic()
    page.goto(f"{fresh_server.url}/{address}")
    expect(page.get_by_role("heading", name=TITLES[address], exact=True)).to_be_visible()
    assert time.monotonic() - began < PAINT_SECONDS
    screens = page.get_by_test_id("stSidebarNavLink").all_inner_texts()
    assert [name.splitlines()[-1] for name in screens] == SCREENS
    assert page.get_by_role("dialog").count() == 0
    assert page.get_by_test_id("stException").count() == 0
    assert page.title() == f"{'Start' if not address else TITLES[address]} · ViT Lab"


@pytest.mark.slow
def test_a_reload_brings_the_run_and_its_tab_back(server, page):
    written_run("quick-otter")
    page.goto(f"{server.url}/train?run=quick-otter")
    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_text("[step 0] Training began.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="quick-otter")).to_be_visible()
    expect(page.get_by_text("[step 0] Training began.")).to_be_visible()


@pytest.mark.slow
def test_fast_clicks_a_reload_and_back_keep_the_forms_settings_in_step_with_the_address(server, page):
    page.goto(f"{server.url}/train?preset=tutorial")
    depth = page.get_by_label("Depth", exact=True)
    expect(depth).to_have_value("4")
    more = page.locator('[class*="st-key-form-model-depth"]').get_by_test_id("stNumberInputStepUp")
    for _ in range(3):
        more.click()
    page.wait_for_url("**model.depth=7**")
    page.reload()
    expect(depth).to_have_value("7")
    expect(page.get_by_text("Changed: Depth.")).to_be_visible()
    depth.fill("2")
    depth.press("Enter")
    page.wait_for_url("**model.depth=2**")
    page.go_back()
    expect(depth).to_have_value("7")


def test_the_keyboards_focus_is_clearly_visible_in_the_side_bar(server, page):
    page.goto(server.url)
    link = page.get_by_test_id("stSidebarNavLink").nth(1)
    link.wait_for()
    page.keyboard.press("Tab")
    link.focus()
    expect(link).to_have_css("outline-style", "solid")
    expect(link).to_have_css("outline-width", "2px")


@pytest.mark.slow
def test_a_run_is_left_for_the_form(server, page):
    run = written_run(launch.new_id())
    page.goto(f"{server.url}/train?run={run.id}")
    page.get_by_role("button", name="Continue training").wait_for()
    page.get_by_role("button", name="New run").click()
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    assert "run=" not in page.url


@pytest.mark.slow
def test_clicking_a_sample_asks_about_it_and_puts_it_into_the_address(server, page):
    saved(written_run("wise-wolf"), 1000)
    page.goto(f"{server.url}/predict?model=wise-wolf")
    expect(page.get_by_text("Prediction")).to_be_visible()
    images = page.get_by_role("radiogroup", name="Sample images").get_by_role("radio")
    images.nth(3).click()
    expect(images.nth(3)).to_have_attribute("aria-checked", "true")
    page.wait_for_url("**image=shapes**")
    chosen = page.url
    images.nth(3).press("ArrowRight")
    expect(images.nth(4)).to_have_attribute("aria-checked", "true")
    page.goto(chosen)
    expect(images.nth(3)).to_have_attribute("aria-checked", "true")
