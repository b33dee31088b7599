"""What a person does: train, stop, import."""

import pytest
from drawing import until_drawn
from image_files import encode, noise
from playwright.sync_api import expect

from vit.runs import launch, status


@pytest.mark.slow
def test_a_double_click_launches_one_run_that_is_watched_stopped_and_resumed(page, server):
    known = len(status.list_runs())
    page.goto(f"{server.url}/train?preset=tutorial")
    until_drawn(page)
    page.get_by_text("Advanced: training").click()
    processes = page.get_by_label("Processes", exact=True)
    processes.fill("1")  # the start is not what is looked at here, and a team's takes longer
    processes.press("Enter")
    page.get_by_text("Changed: Processes.").wait_for()
    page.get_by_test_id("stMain").get_by_role("button", name="Train", exact=True).dblclick()
    page.wait_for_url("**run=**")
    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(page.get_by_text("Loss", exact=True)).to_be_visible()
    assert len(status.list_runs()) == known + 1
    stop.click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    run = status.list_runs()[0]
    assert run.state == "stopped"
    assert run.status.step > 0
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text(f"Resumed at step {run.status.step:,}.")).to_be_visible()
    stop.click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_the_first_screens_button_launches_one_run_and_shows_it(page, server):
    known = len(status.list_runs())
    page.goto(server.url)
    until_drawn(page)
    page.get_by_role("button", name="Train a ViT on shapes").dblclick()
    page.wait_for_url("**/train?run=**")
    assert len(status.list_runs()) == known + 1
    run = status.list_runs()[0]
    expect(page.get_by_role("heading", name=run.id)).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.wait_for_function("() => !document.body.innerText.includes('Starting the worker')")
    launch.command(run.id, "stop")


@pytest.mark.slow
def test_a_folder_is_imported_with_progress_and_can_be_trained_on(page, server, tmp_path):
    for name in ("cat", "dog"):
        for index in range(6):
            path = tmp_path / "pets" / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(noise()))
    page.goto(f"{server.url}/data")
    until_drawn(page)
    page.get_by_label("Folder or archive on the server").fill(str(tmp_path / "pets"))
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("is ready: 12 images")).to_be_visible()
    card = page.locator(".st-key-set-pets")
    expect(card.get_by_text("2 classes: cat, dog")).to_be_visible()
    card.get_by_text("Train on it").click()
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    expect(page.get_by_text("classes", exact=True)).to_be_visible()
