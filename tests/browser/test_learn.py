"""The figures of the lessons compute in the browser what the model computes."""

import re

import pytest
from playwright.sync_api import expect

from pages.learn.chapters import CHAPTERS
from tests import accessibility
from vit import images, samples
from vit.explain.internals import position_similarity
from vit.learn.attention import heads_of
from vit.learn.embedding import projection
from vit.learn.position import shuffles
from vit.predict import Predictor

pytestmark = pytest.mark.slow

SHIPPED = "cifar10-plain"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load(SHIPPED)


@pytest.fixture(scope="module")
def seen(predictor):
    """The sample image that a chapter opens with, as the model sees it."""
    sample = samples.list_samples()[0]
    decoded = images.decode(sample.path.read_bytes(), sample.name)
    return predictor.explain(sample.name, decoded)[1], predictor.inputs([predictor.see(decoded.image)])


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def opened(page, server, chapter: str, answer: int) -> None:
    page.goto(f"{server.url}/learn?chapter={chapter}&model={SHIPPED}")
    expect(page.locator("canvas[tabindex]").first).to_have_attribute("aria-label", re.compile("Arrow keys"))
    expect(page.locator(".lock")).not_to_have_text("")
    page.locator("[role=radiogroup] label").nth(answer).click()
    expect(page.locator(".lock")).to_have_text("")


def chosen_with(page, slider: str, value: float) -> None:
    page.locator(slider).evaluate("(node, value) => { node.value = value; node.oninput(); }", value)


def test_a_sum_in_the_browser_is_the_convolution_until_the_patch_is_reversed(page, server, predictor, seen):
    opened(page, server, "embedding", 1)
    chosen_with(page, "input.channel", 5)
    page.locator("canvas.image").press("ArrowRight")
    place, flat = (
        predictor.model.config.grid_size // 2 * (predictor.model.config.grid_size + 1) + 1,
        page.locator(".flat"),
    )
    wanted = projection(predictor.model, seen[1]).convolved.flatten(1)[5, place].item()
    assert number(flat.text_content()) == pytest.approx(wanted, abs=1e-10)
    assert flat.text_content() == page.locator(".convolved").text_content()
    page.get_by_role("button", name="Reverse").click()
    assert flat.text_content() != page.locator(".convolved").text_content()


def test_weights_in_the_browser_are_the_models_and_follow_the_temperature(page, server, predictor, seen):
    opened(page, server, "attention", 1)
    page.locator("select.layer").select_option("2")
    page.locator("select.head").select_option("1")
    middle = predictor.model.config.num_prefix_tokens + predictor.model.config.grid_size // 2 * 9
    weights = page.locator(".keys td:last-child")
    told = [number(text) for text in weights.all_text_contents()]
    assert told == pytest.approx(seen[0].attention[2, 0, 1, middle].topk(5).values.tolist(), abs=6e-5)  # four digits
    chosen_with(page, "input.temperature", 0.5)
    found = heads_of(predictor.model, seen[0], 2)
    scores = found.query[1, middle] @ found.key[1].T / found.query.shape[-1] ** 0.5
    wanted = (scores / 10**0.5).softmax(-1).topk(5).values.tolist()
    assert [number(text) for text in weights.all_text_contents()] == pytest.approx(wanted, abs=6e-5)


def test_only_with_positions_do_shuffled_tokens_change_the_answer(page, server, predictor, seen):
    opened(page, server, "position", 0)
    given, without = (page.locator(f".{name} code") for name in ("given", "without"))
    expect(without).to_have_count(3)
    before = shares(without)
    page.get_by_role("button", name="Shuffle").click()
    found = shuffles(predictor.model, seen[1], 1)
    assert shares(given) == pytest.approx((100 * found.given[1]).topk(3).values.tolist(), abs=1e-9)
    assert shares(without) == pytest.approx(before, abs=1e-9)
    alike = position_similarity(predictor.model)[36].topk(2).values[1].item()  # the middle's neighbor
    assert f"({alike:.2f})" in page.locator(".likeness").text_content()


def shares(list_) -> list[float]:
    return [number(text.removesuffix(" %")) for text in list_.all_text_contents()]


def test_links_from_learn_to_itself_change_the_address(page, server):
    page.goto(f"{server.url}/learn")
    page.get_by_role("link", name="2. From image to patches").click()
    page.wait_for_url("**/learn?chapter=patches*")
    page.get_by_role("link", name="All chapters").first.click()
    page.wait_for_url("**/learn")
    page.reload()
    expect(page.get_by_role("heading", name="Learn", level=1, exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="From image to patches", level=1)).to_be_visible()


# The dark colors leave less contrast, so these are always looked at.
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing_to_complain_about_in_any_chapter(page, server, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{server.url}/learn")
    faults = {"the list": faults_of(page, "Learn")}
    page.get_by_role("button", name=re.compile(": ")).click()
    for chapter, following in zip(CHAPTERS, [*CHAPTERS[1:], None], strict=True):
        faults[chapter.slug] = faults_of(page, chapter.title)
        if following:
            page.locator(".st-key-turn").get_by_role("link", name=following.title).click()
    page.goto(f"{server.url}/learn?exercise=attention")
    faults["an exercise"] = faults_of(page, "Attention")
    assert faults == dict.fromkeys(faults, [])


def faults_of(page, title: str) -> list[tuple[str, str, str]]:
    """What axe finds on the page with this title, once nothing old is on the screen."""
    expect(page.get_by_role("heading", name=title, level=1, exact=True)).to_be_visible()
    expect(page.get_by_test_id("stMain").get_by_role("link").last).to_be_visible()
    expect(page.locator("[data-testid=stStatusWidget], [data-testid=stMain] [data-stale=true]")).to_have_count(0)
    return accessibility.faults(page)
