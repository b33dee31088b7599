"""The attention canvas: right numbers, no questions to the server, no mouse needed, nothing in the way of a reader."""

import re

import numpy as np
import pytest
from drawing import until_drawn
from PIL import Image
from playwright.sync_api import expect
from worlds import saved, written_run

from tests import accessibility
from vit import images, models, samples
from vit.explain import attention, internals
from vit.plots.colors import SEQUENTIAL, colorize
from vit.plots.scale import attention as attention_scale
from vit.predict import Predictor

pytestmark = pytest.mark.slow
SHIPPED = "cifar10-hybrid"
NETWORK = models.read_info(models.resolve(SHIPPED)).model
LAST, HEAD = NETWORK.depth - 1, NETWORK.num_heads - 1  # the last layer and the last head, counted from 0
READS = "The class token reads patch" if NETWORK.pool == "cls" else "The mean of the patches reads patch"
REDRAW_MS = 16  # one frame at 60 Hz


@pytest.fixture(scope="module")
def trace():
    """What the shipped model computes for the sample image that the page opens with."""
    sample = samples.list_samples()[0]
    return Predictor.load(SHIPPED).explain(sample.name, images.decode(sample.path.read_bytes(), sample.name))[1]


@pytest.fixture
def image(page, server):
    """The large image, drawn."""
    return opened(page, f"{server.url}/attention?model={SHIPPED}")


def opened(page, address: str):
    page.goto(address)
    image = page.locator("canvas.image")
    expect(image).to_have_attribute("aria-label", re.compile("Arrow keys"))
    return image


def patch(image, index: int, grid: int = 8) -> dict:
    """Where a patch's middle is on the screen, relative to the image."""
    box = image.bounding_box()
    step = box["width"] / grid
    return {"x": (index % grid + 0.5) * step, "y": (index // grid + 0.5) * step}


def tile_colors(page, index: int) -> np.ndarray:
    """The colors of a small map as drawn, (g * g, 3)."""
    pixels = (
        page.locator(".tiles canvas")
        .nth(index)
        .evaluate("node => Array.from(node.getContext('2d').getImageData(0, 0, node.width, node.height).data)")
    )
    return np.array(pixels).reshape(-1, 4)[:, :3]


def expected_colors(trace, values) -> np.ndarray:
    """The engine's colors for a map of attention."""
    return colorize(attention_scale(trace.num_tokens).shares(np.asarray(values).ravel()), SEQUENTIAL)


def spoken(image) -> str:
    return image.get_attribute("aria-label")


def test_small_maps_show_the_engines_numbers_for_the_whole_and_for_a_patch_both_ways(page, image, trace):
    columns, first = trace.num_heads + 2, trace.num_prefix_tokens
    tile = 2 * columns + 1  # layer 2, head 1
    wanted = expected_colors(trace, attention.attention_map(trace, 2, 1)[0])
    assert abs(tile_colors(page, tile) - wanted).max() <= 3  # half precision may move a color to its neighbor
    image.click(position=patch(image, 19))
    wanted = expected_colors(trace, trace.attention[2, 0, 1, first + 19, first:])
    assert abs(tile_colors(page, tile) - wanted).max() <= 3
    page.get_by_role("button", name="who reads it").click()
    wanted = expected_colors(trace, trace.attention[2, 0, 1, first:, first + 19])
    assert abs(tile_colors(page, tile) - wanted).max() <= 3


def test_moving_and_choosing_asks_the_server_nothing_and_redraws_within_a_frame(page, server, guard):
    frames = []

    def watch(socket) -> None:
        socket.on("framesent", lambda frame: frames.append(frame))
        socket.on("framereceived", lambda frame: frames.append(frame))

    page.on("websocket", watch)
    image = opened(page, f"{server.url}/attention?model={SHIPPED}")
    page.wait_for_timeout(1500)
    assert frames  # they are counted
    frames.clear()
    taken = []
    for index in range(0, 64, 5):
        image.hover(position=patch(image, index))
        taken.append(image.evaluate("node => node.milliseconds"))
    for tile in page.locator(".tiles button").all():
        tile.click()
    page.locator("[name=opacity]").fill("30")
    for name in ("per map", "light", "color map", "model input"):
        page.get_by_role("button", name=name).click()
    image.click(position=patch(image, 27))
    page.wait_for_timeout(500)
    assert frames == []
    assert np.median(taken) < REDRAW_MS


def test_the_address_brings_layer_head_and_patch_back(page, image):
    page.get_by_role("radio", name=f"layer 1, head {HEAD}").click()
    image.click(position=patch(image, 12))
    page.get_by_role("button", name="light").click()
    page.mouse.move(0, 0)
    address, words = page.url, spoken(image)
    page.goto("about:blank")
    assert spoken(opened(page, address)) == words
    assert f"layer 1, head {HEAD}. Patch row 1, column 4" in words
    expect(page.get_by_role("button", name="light")).to_have_attribute("aria-pressed", "true")


def test_an_address_that_fits_no_model_shows_the_start(page, server, image):
    start = spoken(image)
    page.goto("about:blank")
    nonsense = "#layer=77&head=nobody&query=-3&direction=up&style=jet&image=none&scale=wild&opacity=1000"
    assert spoken(opened(page, f"{server.url}/attention?model={SHIPPED}{nonsense}")) == start


def test_the_keyboard_alone_chooses_patch_layer_and_head(page, image):
    image.focus()
    page.keyboard.press("ArrowRight")
    assert "Patch row 4, column 4" in spoken(image)
    page.keyboard.press("ArrowUp")
    assert "Patch row 3, column 4" in spoken(image)
    page.keyboard.press("[")
    page.keyboard.press(",")
    assert f"layer {LAST - 1}, mean of its heads" in spoken(image)
    page.keyboard.press("Escape")
    assert READS in spoken(image)
    for _ in range(6):  # past the five choices below the image
        page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name=f"layer {LAST - 1}, mean of its heads")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    assert f"layer {LAST - 1}, head {HEAD}" in spoken(image)
    expect(page.get_by_role("radio", name=f"layer {LAST - 1}, head {HEAD}")).to_be_focused()


@pytest.mark.parametrize(
    ("name", "pool", "reader", "buttons"),
    [("wise-wolf", "cls", "The class token", 1), ("mild-mole", "mean", "The mean of the patches", 0)],
)
def test_a_model_opens_with_its_class_token_if_it_has_one(page, server, name, pool, reader, buttons):
    saved(written_run(name), 1000, pool=pool)
    image = opened(page, f"{server.url}/attention?model={name}")
    assert f"{reader} reads patch" in spoken(image)
    expect(page.get_by_role("button", name="Class token")).to_have_count(buttons)


def test_another_image_keeps_what_was_chosen_on_the_canvas(page, image):
    page.get_by_role("radio", name=f"layer 1, head {HEAD}").click()
    before = spoken(image)
    other = samples.list_samples()[2].name
    page.get_by_role("radiogroup", name="Sample images").get_by_role("radio").nth(2).click()
    expect(image).to_have_attribute("aria-label", re.compile(f"^{other}: layer 1, head {HEAD}"))
    assert spoken(image) != before
    page.wait_for_url(re.compile(f"image=sample%3A{other}.*#layer=1&head={HEAD}"))


def serious_faults(page) -> list[tuple[str, str]]:
    """What axe finds, apart from Streamlit's own menu and the gray of its captions."""
    found = accessibility.faults(page, "[data-testid=stCaptionContainer]", options={"runOnly": ["wcag2a", "wcag2aa"]})
    return [(rule, html) for rule, impact, html in found if impact in ("serious", "critical")]


DRAWN_LAST = {"Look": "Direct logit attribution", "Why": "Do the methods agree?", "Ablate": "Which heads matter?"}
DRAWN_LAST |= {"Evolve": "Heads:", "Weights": "Token norms"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_of_ours_on_any_tab(page, server, scheme):
    run = written_run(f"{scheme}-lynx")
    for step in (500, 1000):
        saved(run, step)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{server.url}/attention?model={run.id}")
    for tab, drawn in DRAWN_LAST.items():
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_text(drawn).first).to_be_visible()
        assert (tab, serious_faults(page)) == (tab, [])
    page.get_by_role("button", name="Pin the image").hover()
    assert serious_faults(page) == []


def test_the_image_stays_in_view_on_a_wide_screen_and_scrolls_away_on_a_phone(page, image):
    scroll = "document.querySelector('[data-testid=stMain]').scrollTo(0, 600)"
    preview = page.locator(".st-key-subject img").first
    expect(page.get_by_text("Direct logit attribution")).to_be_visible()
    page.evaluate(scroll)
    expect(image).not_to_be_in_viewport(ratio=0.9)
    expect(preview).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 390, "height": 800})
    page.evaluate(scroll.replace("600", "1500"))
    expect(preview).not_to_be_in_viewport()


def test_the_lens_shows_the_engines_numbers_and_is_read_without_the_server(page, server, trace):
    frames = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(frame)))
    opened(page, f"{server.url}/attention?model={SHIPPED}")
    layers, readout = page.locator(".lens .layers"), page.locator(".lens .readout")
    expect(layers.get_by_role("img")).to_have_count(trace.depth + 1)
    page.wait_for_timeout(1000)
    frames.clear()
    layers.focus()
    for key in ("ArrowRight", "ArrowUp", "[", "["):
        page.keyboard.press(key)
    model = Predictor.load(SHIPPED)
    shares = internals.logit_lens(model.model, trace)[LAST - 1, 0, trace.num_prefix_tokens + 3 * 8 + 4].softmax(-1)
    name, most = model.info.classes[int(shares.argmax())], 100 * float(shares.max())
    expect(readout).to_contain_text(f"Patch row 3, column 4, after layer {LAST - 2}, says")
    expect(readout).to_contain_text(f"{name} {most:.{1 if most < 10 else 0}f}%")
    page.keyboard.press("Escape")
    expect(readout).to_contain_text("The answer is")
    assert frames == []


def test_a_head_and_a_patch_are_switched_off_and_the_answer_follows(page, server):
    page.goto(f"{server.url}/attention?model={SHIPPED}&tab=Ablate")
    bars, head = page.locator(".bars"), page.get_by_role("button", name="Switch off layer 0, head 2")
    expect(bars).to_contain_text("→")
    before = bars.inner_text()
    head.click()
    expect(head).to_have_attribute("aria-pressed", "true")
    expect(bars).not_to_have_text(before, use_inner_text=True)
    without_head = bars.inner_text()
    page.locator("canvas.patches").focus()
    for key in [*["ArrowDown", "ArrowRight"] * 4, "Space"]:  # in the middle, because a corner hardly counts
        page.keyboard.press(key)
    expect(page.locator("canvas.patches")).to_have_attribute("aria-label", re.compile("1 of 64 chosen"))
    expect(bars).not_to_have_text(without_head, use_inner_text=True)
    page.get_by_role("button", name="Reset").click()
    expect(bars).to_have_text(before, use_inner_text=True)


def test_the_address_brings_what_was_switched_off_back(page, server):
    page.goto(f"{server.url}/attention?model={SHIPPED}&tab=Ablate")
    bars = page.locator(".bars")
    expect(bars).to_contain_text("→")
    before = bars.inner_text()
    page.get_by_role("button", name="Switch off layer 0, head 2").click()
    page.get_by_role("button", name=f"Switch off the MLP of layer {LAST}").click()
    page.get_by_label("Replaced by").select_option("scaled")
    page.get_by_role("slider", name="Share of their own output").fill("50")
    page.get_by_label("Chosen patches are").select_option("blur")
    page.locator("canvas.patches").focus()
    page.keyboard.press("Space")
    page.wait_for_url(re.compile("#.*edit=blur.*patches=0|#.*patches=0.*edit=blur"))
    page.wait_for_timeout(1000)
    after, address = bars.inner_text(), page.url
    assert after != before
    page.goto("about:blank")
    page.goto(address)
    expect(page.get_by_role("button", name="Switch off layer 0, head 2")).to_have_attribute("aria-pressed", "true")
    expect(bars).to_have_text(after, use_inner_text=True)
    page.get_by_role("radiogroup", name="Sample images").get_by_role("radio").nth(1).click()
    expect(bars).to_contain_text("cat")
    expect(page.get_by_role("button", name="Switch off layer 0, head 2")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_role("button", name="Switch off layer 0, head 2")).to_have_attribute("aria-pressed", "false")
    assert "heads=" not in page.url


def test_ranking_heads_shows_progress_and_can_be_cancelled(page, server):
    saved(written_run("calm-crane"), 1000)
    page.goto(f"{server.url}/attention?model=calm-crane&tab=Ablate")
    until_drawn(page)
    page.get_by_role("button", name="Rank the heads").click()
    cancel = page.get_by_role("button", name="Cancel")
    table = page.get_by_text("The whole model reaches")
    expect(cancel.or_(table).first).to_be_visible()  # a tiny model may be done before anybody could cancel
    if cancel.is_visible():
        cancel.click()
    expect(table).to_be_visible()


def test_the_film_is_scrubbed_without_the_server_and_saved_as_a_gif(page, server):
    run = written_run("brave-bison")
    for step in (250, 500, 1000):
        saved(run, step)
    page.goto(f"{server.url}/attention?model=brave-bison&tab=Evolve")
    scrub, now = page.get_by_role("slider", name="Checkpoint"), page.locator(".film .now")
    expect(now).to_contain_text("step 1,000")
    scrub.focus()
    page.keyboard.press("ArrowLeft")
    expect(now).to_contain_text("step 500")
    page.get_by_role("button", name="epoch 1.0").click()
    expect(now).to_contain_text("step 250")
    page.get_by_label("Compare with").select_option(label="epoch 4.0")
    expect(page.locator(".film .image")).to_have_attribute("aria-label", re.compile("minus epoch 4.0"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as GIF").click()
    assert Image.open(download.value.path()).n_frames == 3
    assert serious_faults(page) == []


def test_back_and_forward_follow_the_tabs(page, server):
    opened(page, f"{server.url}/attention?model={SHIPPED}")
    for tab in ("Weights", "Ablate"):
        entries = page.evaluate("history.length")
        page.get_by_role("tab", name=tab).click()
        page.wait_for_url(f"**tab={tab}**")
        expect(page.get_by_text(DRAWN_LAST[tab]).first).to_be_visible()
        page.wait_for_function("entries => history.length > entries", arg=entries)
    idle = page.locator("[data-test-script-state=notRunning]")  # a run that ends late writes its tab into the address
    for move, last in ((page.go_back, "Weights"), (page.go_back, "Look"), (page.go_forward, "Weights")):
        idle.wait_for()
        move()
        expect(page.get_by_text(DRAWN_LAST[last])).to_be_visible()


@pytest.mark.parametrize("address", ["predict", ""])
def test_one_image_has_the_same_viewer_without_the_choice_of_layers(page, server, address):
    image = opened(page, f"{server.url}/{address}?model={SHIPPED}" if address else server.url)
    assert f"rollout up to layer {LAST}. {READS}" in spoken(image)
    expect(page.get_by_role("radiogroup", name="Layer and head")).not_to_be_visible()
    image.click(position=patch(image, 19))
    assert "Patch row 2, column 3 reads" in spoken(image)
    page.get_by_role("button", name="model input").click()
    expect(page.get_by_role("button", name="model input")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("tab", DRAWN_LAST)
def test_nothing_is_smaller_than_12_pixels(page, server, tab):
    page.goto(f"{server.url}/attention?model={SHIPPED}&tab={tab}")
    expect(page.get_by_text(DRAWN_LAST[tab]).first).to_be_visible()
    assert page.evaluate(SMALL_TEXTS) == []


SMALL_TEXTS = """() => {
  const found = [];
  const visit = (root) => root.querySelectorAll("*").forEach((node) => {
    if (node.shadowRoot) visit(node.shadowRoot);
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    const isText = own && node.getClientRects().length && !["STYLE", "SCRIPT"].includes(node.tagName);
    if (isText && parseFloat(getComputedStyle(node).fontSize) < 12) found.push(node.textContent);
  });
  visit(document.querySelector("[data-testid=stMain]"));
  return found;
}"""
