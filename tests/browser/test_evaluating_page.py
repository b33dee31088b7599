"""Evaluate in a real browser: a real evaluation, from its button to an image in Attention and back."""

import re

import pytest
from drawing import until_drawn
from playwright.sync_api import Page, expect
from worlds import saved, written_run

from vit import jobs
from vit.data import catalog
from vit.evaluation import directory, starting
from vit.evaluation.directory import Evaluation

PATIENCE = 90_000  # milliseconds; the machine may be shared


def asked(name: str, seed: int, embed_dim: int = 16) -> Evaluation:
    """A tiny model, and its evaluation on test, which isn't there yet."""
    saved(written_run(name), 1000, seed=seed, embed_dim=embed_dim)
    return directory.find(name, catalog.describe("shapes"), "test")


def address(server, name: str) -> str:
    return f"{server.url}/evaluate?model={name}&data=shapes&split=test"


def evaluate(page: Page) -> None:
    until_drawn(page)
    page.get_by_role("button", name="Evaluate on test (looked at 0 times before)").click()
    expect(page.get_by_role("tab", name="Confusion")).to_be_visible(timeout=PATIENCE)


@pytest.fixture
def ended():
    """Ends what a test has left running."""
    found: list[Evaluation] = []
    yield found
    for evaluation in found:
        jobs.cancel(starting.job_name(evaluation))
        jobs.cancel(starting.job_name(evaluation, "robustness"))


@pytest.mark.slow
def test_evaluate_open_a_cell_look_inside_and_come_back_by_the_address(server, page, ended):
    ended.append(asked("wise-wolf", seed=0))
    page.goto(address(server, "wise-wolf"))
    evaluate(page)
    page.get_by_role("tab", name="Confusion").click()
    panel = page.get_by_role("tabpanel", name="Confusion")
    matrix = panel.get_by_role("grid", name="Confusion matrix")
    cell = matrix.get_by_role("gridcell", name=re.compile("labeled arrow, the model says"))
    cell.nth(1).click()
    expect(cell.nth(1)).to_have_attribute("aria-selected", "true")
    second = panel.get_by_text("labeled arrow; the model says").inner_text()
    panel.get_by_role("combobox", name="The model says").click()
    page.get_by_role("option", name="star").click()
    expect(panel.get_by_text("the model says star")).to_be_visible()
    cell.nth(1).click()  # the same cell as before
    expect(panel.get_by_text(second)).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(cell.nth(2)).to_have_attribute("aria-selected", "true")
    given = cell.nth(2).get_attribute("aria-label").rpartition(" ")[2]
    page.wait_for_url(f"**given={given}*")
    heading = panel.get_by_text(f"labeled arrow; the model says {given}")
    expect(heading).to_be_visible()
    words, back = heading.inner_text(), page.url
    if "0 images" not in words:
        panel.get_by_role("link", name="Attention").first.click()
        page.wait_for_url("**/attention?**image=shapes%3Atest%3A**")
        expect(page.get_by_text("Compared with")).to_be_visible(timeout=PATIENCE)
    page.goto(back)
    expect(page.get_by_text(words)).to_be_visible(timeout=PATIENCE)


@pytest.mark.slow
def test_two_models_are_compared(server, page, ended):
    first, second = asked("one", seed=1), asked("two", seed=2)
    ended += [first, second]
    for name in ("one", "two"):
        page.goto(address(server, name))
        evaluate(page)
    page.goto(f"{address(server, 'one')}&opened={first.identity.key}&tab=Compare&against=two")
    expect(page.get_by_text("Both are right on")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Only the other model is right")).to_be_visible()


@pytest.mark.slow
def test_a_running_evaluation_is_cancelled_after_a_reload_and_can_be_started_again(server, page, ended):
    evaluation = asked("slow-sloth", seed=0, embed_dim=128)
    ended.append(evaluation)
    page.goto(address(server, "slow-sloth"))
    evaluate(page)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0, timeout=PATIENCE)
    page.get_by_role("button", name="Measure robustness").click()
    expect(page.get_by_text("Corrupting images")).to_be_visible(timeout=PATIENCE)
    page.reload()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Measure robustness")).to_be_visible(timeout=PATIENCE)
    assert jobs.status(starting.job_name(evaluation, "robustness")).state == "cancelled"
    page.get_by_role("button", name="Measure robustness").click()
    expect(page.get_by_text("Corrupting images")).to_be_visible(timeout=PATIENCE)
    assert directory.looks(evaluation) == 1
