"""What a person does: train, stop, upload, import."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from worlds import saved, written_run

from vit.runs import launch, names, state

KINDS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")


def picture(kind: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def upload(name: str, data: bytes) -> dict:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


@pytest.fixture
def predict(page, server):
    """The Predict screen with a model, at its Upload tab."""
    saved(written_run(names.new_id()), 1000)
    page.goto(f"{server.url}/predict?from=Upload")
    page.get_by_test_id("stFileUploader").wait_for()
    return page


@pytest.mark.skip(reason="times out since a model is shipped; not understood yet")
def test_every_kind_of_picture_is_answered_and_every_bad_one_told(predict):
    files = [upload(f"good.{kind.lower()}", picture(kind)) for kind in KINDS]
    files += [upload("empty.png", b""), upload("text.jpg", b"words"), upload("cut.png", picture("PNG")[:200])]
    predict.locator("input[type=file]").first.set_input_files(files)
    expect(predict.get_by_text("Download all probabilities")).to_be_visible()
    for kind in KINDS:
        expect(predict.get_by_text(f"good.{kind.lower()}", exact=True).last).to_be_visible()
    for sentence in ("empty.png is empty", "text.jpg is not a picture", "cut.png is damaged"):
        expect(predict.get_by_text(sentence).first).to_be_visible()
    with predict.expect_download() as download:
        predict.get_by_text("Download all probabilities").click()
    with open(download.value.path()) as file:
        assert len(file.read().splitlines()) == 1 + len(files)


def test_a_double_click_launches_one_run_that_is_watched_stopped_and_resumed(page, server):
    known = len(state.listing())
    page.goto(f"{server.url}/train?preset=tutorial")
    train = page.get_by_test_id("stMain").get_by_role("button", name="Train", exact=True)
    train.wait_for()
    train.dblclick()
    page.wait_for_url("**run=**")
    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(page.get_by_text("Loss", exact=True)).to_be_visible()
    assert len(state.listing()) == known + 1
    stop.click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    run = state.listing()[0]
    assert run.state == "stopped"
    assert run.step > 0
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text(f"Resumed at step {run.step:,}.")).to_be_visible()
    stop.click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_the_first_screens_button_launches_one_run_and_shows_it(page, server):
    known = len(state.listing())
    page.goto(server.url)
    page.get_by_role("button", name="Train a ViT now").dblclick()
    page.wait_for_url("**/train?run=**")
    assert len(state.listing()) == known + 1
    run = state.listing()[0]
    expect(page.get_by_role("heading", name=run.id)).to_be_visible()
    expect(page.get_by_role("button", name="Save now")).to_be_visible()
    page.wait_for_function("() => !document.body.innerText.includes('Starting the worker')")
    launch.command(run.id, "stop")


def test_a_folder_is_imported_with_progress_and_can_be_trained_on(page, server, tmp_path):
    for name in ("cat", "dog"):
        for index in range(6):
            path = tmp_path / "pets" / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture("PNG"))
    page.goto(f"{server.url}/data")
    page.get_by_label("Folder or archive on this machine").fill(str(tmp_path / "pets"))
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("is ready: 12 pictures")).to_be_visible()
    card = page.locator(".st-key-set-pets")
    expect(card.get_by_text("2 classes: cat, dog")).to_be_visible()
    card.get_by_text("Train on it").click()
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    expect(page.get_by_text("classes", exact=True)).to_be_visible()
