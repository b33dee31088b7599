"""What every canvas shares: colours as the engine has them, patches under a pointer, the address. Needs no server."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from vit.plots import colors
from vit.plots.scale import Scale, attention, symmetric

PAGES = Path(__file__).parents[2] / "pages"
ORIGIN = "http://127.0.0.1:1"  # answered by the test itself
HEATMAP = "/shared/viewer/heatmap.js"
KINDS = {".js": "text/javascript", "": "text/html"}


@pytest.fixture
def script(page):
    """Calls an exported function of heatmap.js: ``script("patchName", 9, 8)``."""

    def answer(route) -> None:
        path = PAGES / route.request.url.removeprefix(ORIGIN).lstrip("/")
        body = path.read_text() if path.suffix else "<html><link rel=icon href=data:,></html>"
        route.fulfill(body=body, content_type=KINDS[path.suffix])

    page.route(f"{ORIGIN}/**", answer)
    page.goto(f"{ORIGIN}/start")
    code = f"([name, given]) => import('{HEATMAP}').then((all) => all[name](...given))"
    return lambda name, *given: page.evaluate(code, [name, given])


@pytest.mark.parametrize("table", colors.COLOR_MAPS)
@pytest.mark.parametrize("scale", [attention(65), symmetric([[-0.2, 0.1]], " logits"), Scale(0.1, 0.9, rest=0.3)])
def test_a_value_has_the_same_colour_and_opacity_in_the_browser_and_in_the_engine(script, table, scale):
    rest = float(scale.shares(scale.rest))
    assert np.array_equal(script("tintsOf", vars(scale), {"colors": table}), colors.tints(table, rest))


def test_a_value_has_the_same_place_among_256_colours_in_the_browser_and_in_the_engine(script):
    shares = np.concatenate([np.linspace(0, 1, 40), (np.arange(0, 255, 13) + 0.5) / 255])
    found = [script("placeOf", vars(Scale(0.0, 1.0)), share) for share in shares]
    assert found == colors.places(shares).tolist()


def test_light_darkens_what_gets_little_and_the_plain_colour_map_covers_all(script):
    light = script("tintsOf", vars(attention(64)), {"style": "light"})
    assert (light[0], light[255]) == ([0, 0, 0, 217], [0, 0, 0, 0])
    covered = np.array(script("tintsOf", vars(attention(64)), {"style": "colors", "opacity": 1}))
    assert np.array_equal(covered[:, :3], colors.table("inferno"))
    assert (covered[:, 3] == 255).all()


@pytest.mark.parametrize("scale", [attention(64), symmetric([[-0.2, 0.1]], " logits"), Scale(0.1, 0.3)])
def test_a_scale_means_the_same_in_the_browser_and_in_the_engine(script, scale):
    for value in (-1.0, 0.0, 0.011, 0.2, 3.0):
        assert script("shareOf", vars(scale), value) == pytest.approx(float(scale.shares(value)))
    assert script("ticksOf", vars(scale)) == scale.ticks()


@pytest.mark.parametrize(
    ("x", "y", "patch"), [(10, 20, 0), (49.9, 59.9, 15), (31, 21, 2), (9, 30, None), (51, 30, None)]
)
def test_a_point_is_in_the_patch_that_lies_there(script, x, y, patch):
    assert script("patchAt", {"left": 10, "top": 20, "width": 40, "height": 40}, x, y, 4) == patch


def test_every_patch_is_hit_at_its_middle_whatever_the_canvas_size(script):
    bounds = {"left": 3.5, "top": 1.25, "width": 333, "height": 333}
    for row, column in itertools.product(range(3), range(3)):
        x, y = 3.5 + 333 * (column + 0.5) / 3, 1.25 + 333 * (row + 0.5) / 3
        assert script("patchAt", bounds, x, y, 3) == 3 * row + column


@pytest.mark.parametrize(
    ("start", "key", "end"),
    [
        (5, "ArrowRight", 6),
        (7, "ArrowRight", 7),
        (0, "ArrowLeft", 0),
        (1, "ArrowUp", 1),
        (1, "ArrowDown", 5),
        (1, "a", None),
    ],
)
def test_arrow_keys_lead_to_the_neighbour_and_stop_at_the_border(script, start, key, end):
    assert script("patchAfter", start, key, 4) == end


def test_rows_and_columns_are_counted_from_0(script):
    assert script("patchName", 0, 8) == "row 0, column 0"
    assert script("patchName", 63, 8) == "row 7, column 7"


def test_the_address_keeps_what_others_have_written(page, script):
    page.evaluate("location.hash = 'heads=0.2&layer=3'")
    before = page.evaluate("history.length")
    script("writeHash", {"layer": None, "head": "mean"})
    assert page.url.endswith("#heads=0.2&head=mean")
    assert page.evaluate("history.length") == before


@pytest.mark.parametrize(("values", "is_flat"), [([1.0, 1.02, 1.01, 1.0], True), ([1.0, 1.2, 1.0, 1.0], False)])
def test_a_flat_map_is_told_and_the_highest_place_is_found(script, values, is_flat):
    found = script("statsOf", values, 0.05)
    assert (found["isFlat"], found["top"], found["high"]) == (is_flat, 1, max(values))
