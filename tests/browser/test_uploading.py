"""Every kind of image file is answered, and what is none is told in a sentence, one file not spoiling another."""

import csv

import numpy as np
import pytest
from image_files import encode, noise, png_header, scene, screenshot
from PIL import ExifTags, Image
from playwright.sync_api import expect

from vit import samples

pytestmark = pytest.mark.slow

SIXTEEN_BITS = Image.fromarray(np.linspace(0, 65535, 30 * 40).astype(np.uint16).reshape(30, 40))


def turned() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return encode(scene(), "JPEG", exif=exif)


def see_through() -> bytes:
    return encode(scene().quantize(4), "PNG", transparency=0)


GOOD = {
    "plain.png": lambda: encode(noise()),
    "plain.jpg": lambda: encode(noise(), "JPEG"),
    "plain.webp": lambda: encode(noise(), "WEBP"),
    "plain.bmp": lambda: encode(noise(), "BMP"),
    "moving.gif": lambda: encode(noise(), "GIF", save_all=True, append_images=[noise(24).rotate(90)]),
    "palette.png": see_through,
    "sixteen.png": lambda: encode(SIXTEEN_BITS),
    "print.jpg": lambda: encode(scene().convert("CMYK"), "JPEG"),
    "gray.jpg": lambda: encode(scene().convert("L"), "JPEG"),
    "turned.jpg": turned,
    "point.png": lambda: encode(noise(1)),
    "huge.jpg": lambda: encode(scene(7071, 7071), "JPEG"),  # just under 50 megapixels
}
MORE = {"really-a-jpeg.png": lambda: encode(noise(), "JPEG")}
BAD = {
    "empty.png": (lambda: b"", "empty.png is empty: choose the original file again."),
    "text.jpg": (lambda: b"words", "text.jpg is not an image that can be read: save it as PNG, JPEG"),
    "renamed.png": (lambda: encode(scene(), "TIFF"), "renamed.png is not an image that can be read: save it as PNG"),
    "cut.png": (lambda: encode(noise())[:200], "cut.png is damaged or incomplete: save or download it again."),
    "bomb.png": (lambda: png_header(20_000, 20_000), "bomb.png has more than 50 megapixels: scale it down first."),
}


@pytest.fixture
def predict(page, server):
    """The Predict screen with the shipped model, at its Upload tab."""
    page.goto(f"{server.url}/predict?from=Upload")
    page.get_by_test_id("stFileUploader").wait_for()
    return page


def upload(page, files: dict) -> None:
    contents = [{"name": name, "mimeType": "image/png", "buffer": make()} for name, make in files.items()]
    page.locator("input[type=file]").first.set_input_files(contents)
    expect(page.get_by_role("button", name="Download all probabilities")).to_be_visible()


def table(page) -> list[dict]:
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all probabilities").click()
    with open(download.value.path(), newline="") as file:
        return list(csv.DictReader(file))


def test_every_kind_of_image_gets_a_prediction_with_its_attention(predict):
    upload(predict, GOOD)
    for name in GOOD:
        expect(predict.get_by_test_id("stCaptionContainer").filter(has_text=name)).to_be_visible()
    expect(predict.get_by_role("img", name="Attention is strongest at")).to_have_count(len(GOOD))
    rows = table(predict)
    assert [row["file"] for row in rows] == list(GOOD)
    assert all(row["class"] and not row["problem"] for row in rows)


def test_a_bad_file_gets_a_sentence_and_spoils_no_other(predict):
    upload(predict, MORE | {name: make for name, (make, _) in BAD.items()})
    alerts = predict.get_by_test_id("stMain").get_by_role("alert")
    for _, sentence in BAD.values():
        expect(alerts.filter(has_text=sentence)).to_be_visible()
    expect(alerts).to_have_count(len(BAD))
    expect(predict.get_by_role("img", name="Attention is strongest at")).to_have_count(len(MORE))
    assert [bool(row["problem"]) for row in table(predict)] == [False] * len(MORE) + [True] * len(BAD)


def test_noise_and_a_screenshot_are_warned_about_with_their_false_alarms_and_photographs_are_not(predict):
    warning = predict.get_by_role("alert").filter(has_text="unlike anything that")
    photographs = [sample for sample in samples.list_samples() if sample.credit != samples.DRAWN]
    files = [(sample.path.name, sample.path.read_bytes(), 0) for sample in photographs]
    files += [("noise.png", encode(noise()), 1), ("screenshot.png", encode(screenshot()), 1)]
    for name, content, count in files:
        predict.goto(predict.url)
        kind = "image/png" if name.endswith("png") else "image/jpeg"
        predict.locator("input[type=file]").first.set_input_files([{"name": name, "mimeType": kind, "buffer": content}])
        expect(predict.get_by_test_id("stCaptionContainer").filter(has_text=name).first).to_be_visible()
        expect(predict.get_by_text("Open in Attention")).to_be_visible()
        expect(warning).to_have_count(count)
    expect(warning).to_contain_text("5 get this warning, too")


PASTE = """async () => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 40, height: 40});
  canvas.getContext("2d").fillRect(0, 0, 9, 9);
  const blob = await new Promise((done) => canvas.toBlob(done));
  await navigator.clipboard.write([new ClipboardItem({"image/png": blob})]);
}"""


def test_an_image_is_pasted_without_a_click_on_the_uploader(predict):
    predict.context.grant_permissions(["clipboard-read", "clipboard-write"])
    predict.get_by_text("choose, drop or paste").wait_for()
    predict.evaluate(PASTE)
    predict.keyboard.press("Control+v")
    expect(predict.get_by_text("Open in Attention")).to_be_visible()
    expect(predict.get_by_test_id("stCaptionContainer").filter(has_text="image.png")).to_be_visible()
