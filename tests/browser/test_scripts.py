"""Pure functions of the components' scripts, called in a browser: colors, hits, addresses, maps. Needs no server."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from vit.plots import colors
from vit.plots.scale import Scale, attention, symmetric

PAGES = Path(__file__).parents[2] / "pages"
ORIGIN = "http://127.0.0.1:1"  # answered by the test itself
HEATMAP, PAYLOAD, SWITCHES = "shared/viewer/heatmap.js", "shared/viewer/payload.js", "attention/switches.js"
KINDS = {".js": "text/javascript", "": "text/html"}


@pytest.fixture(scope="module")
def script(shared_page):
    """Calls an exported function: ``script("patchName", 9, 8)``, of another file with ``module=``."""

    def answer(route) -> None:
        path = PAGES / route.request.url.removeprefix(ORIGIN).lstrip("/")
        body = path.read_text() if path.suffix else "<html><link rel=icon href=data:,></html>"
        route.fulfill(body=body, content_type=KINDS[path.suffix])

    shared_page.route(f"{ORIGIN}/**", answer)
    shared_page.goto(f"{ORIGIN}/start")
    code = "([module, name, given]) => import(module).then((all) => all[name](...given))"
    return lambda name, *given, module=HEATMAP: shared_page.evaluate(code, [f"/{module}", name, given])


@pytest.mark.parametrize("table", colors.COLOR_MAPS)
@pytest.mark.parametrize("scale", [attention(65), symmetric([[-0.2, 0.1]], " logits"), Scale(0.1, 0.9, rest=0.3)])
def test_a_value_has_the_same_color_and_opacity_in_the_browser_and_in_the_engine(script, table, scale):
    rest = float(scale.shares(scale.rest))
    assert np.array_equal(script("tintsOf", vars(scale), {"colors": table}), colors.tints(table, rest))


def test_a_value_has_the_same_place_among_256_colors_in_the_browser_and_in_the_engine(script):
    shares = np.concatenate([np.linspace(0, 1, 40), (np.arange(0, 255, 13) + 0.5) / 255])
    found = [script("placeOf", vars(Scale(0.0, 1.0)), share) for share in shares]
    assert found == colors.places(shares).tolist()


def test_light_darkens_what_gets_little_and_the_plain_color_map_covers_all(script):
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
def test_arrow_keys_lead_to_the_neighbor_and_stop_at_the_border(script, start, key, end):
    assert script("patchAfter", start, key, 4) == end


def test_rows_and_columns_are_counted_from_0(script):
    assert script("patchName", 0, 8) == "row 0, column 0"
    assert script("patchName", 63, 8) == "row 7, column 7"


def test_the_address_keeps_what_others_have_written(shared_page, script):
    shared_page.evaluate("location.hash = 'heads=0.2&layer=3'")
    before = shared_page.evaluate("history.length")
    script("writeHash", {"layer": None, "head": "mean"})
    assert shared_page.url.endswith("#heads=0.2&head=mean")
    assert shared_page.evaluate("history.length") == before


@pytest.mark.parametrize(("values", "is_flat"), [([1.0, 1.02, 1.01, 1.0], True), ([1.0, 1.2, 1.0, 1.0], False)])
def test_a_flat_map_is_told_and_the_highest_place_is_found(script, values, is_flat):
    found = script("statsOf", values, 0.05)
    assert (found["isFlat"], found["top"], found["high"]) == (is_flat, 1, max(values))


def test_half_precision_is_read_as_numpy_reads_it(script):
    bits = [0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x3C00, 0xC500, 0x3555, 0x7BFF]
    wanted = np.array(bits, np.uint16).view(np.float16).astype(float)
    assert [script("halfOf", number, module=PAYLOAD) for number in bits] == wanted.tolist()


def test_a_map_is_a_row_or_a_column_of_attention_or_its_mean_over_the_patches(script):
    numbers = np.arange(2 * 5 * 5, dtype=float).reshape(2, 5, 5)  # two columns; a class token before four patches
    view = {"tokens": 5, "patches": 4, "first": 1, "numbers": numbers.ravel().tolist(), "columns": ["0", "rollout"]}

    def found(column, query, direction):
        return script("mapOf", view, 0, column, query, direction, module=PAYLOAD)

    assert found(1, 0, "out") == numbers[1, 0, 1:].tolist()
    assert found(1, 3, "in") == numbers[1, 1:, 3].tolist()
    assert found(0, "mean", "out") == numbers[0, 1:, 1:].mean(0).tolist()


def test_a_switch_is_turned_off_and_on_again(script):
    off = script("toggled", [[0, 1]], 2, 3, module=SWITCHES)
    assert off == [[0, 1], [2, 3]]
    assert script("toggled", off, 0, 1, module=SWITCHES) == [[2, 3]]


def test_switches_come_back_from_the_address(shared_page, script):
    off = {"heads": [[0, 2], [1, 3]], "branches": [[3, 1]], "how": "scaled", "percent": 50, "patches": [7, 8]}
    off["edit"] = "blur"
    script("writeSwitches", off, module=SWITCHES)
    assert "heads=0.2_1.3" in shared_page.url
    assert script("readSwitches", module=SWITCHES) == off
    assert script("isUntouched", off, module=SWITCHES) is False
    shared_page.evaluate("location.hash = ''")
    assert script("isUntouched", script("readSwitches", module=SWITCHES), module=SWITCHES) is True


def test_switches_that_another_model_does_not_have_are_left_out(script):
    data = {"heads": 2, "depth": 1, "grid": 2, "most": 200, "hows": {"zero": ""}, "edits": {"drop": "", "blur": ""}}
    off = {"heads": [[0, 1], [0, 2], [1, 0]], "branches": [[0, 1], [0, 2]], "how": "mean", "percent": 999}
    off |= {"patches": [3, 4], "edit": "blur"}
    wanted = {"heads": [[0, 1]], "branches": [[0, 1]], "how": "zero", "percent": 0, "patches": [3], "edit": "blur"}
    assert script("fitSwitches", off, data, 2, module=SWITCHES) == wanted
    assert script("fitSwitches", off, data, 8, module=SWITCHES)["patches"] == []


def test_a_cell_of_the_confusion_matrix_is_as_strong_as_its_count_among_its_kind(script):
    counts, matrix = [[90, 10], [5, 45]], "evaluate/matrix.js"
    most = [script("largest", counts, is_right, module=matrix) for is_right in (True, False)]
    assert most == [90, 10]
    colors = [script("colorOf", counts, i, j, most[i != j], module=matrix) for i in range(2) for j in range(2)]
    assert [float(color.rstrip(")").split(",")[-1]) for color in colors] == [0.55, 0.55, 0.28, 0.28]
    assert colors[0].rsplit(",", 1)[0] == colors[3].rsplit(",", 1)[0] != colors[1].rsplit(",", 1)[0]
    assert script("largest", [[0, 0], [0, 0]], False, module=matrix) == 1


DRAW_TWICE = """async ([first, keys, second]) => {
  const { default: draw } = await import("/evaluate/matrix.js");
  const parentElement = document.createElement("div");
  parentElement.innerHTML = "<div class='matrix'></div>";
  document.body.append(parentElement);
  draw({ data: first, parentElement });
  parentElement.querySelector("[aria-selected=true]").focus();
  for (const key of keys) document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  draw({ data: second, parentElement });
  const { title, tabIndex } = document.activeElement;
  const stops = parentElement.querySelectorAll("td[tabindex='0']").length;
  parentElement.remove();
  return [title, tabIndex, stops];
}"""


def test_the_focus_stays_on_its_cell_when_the_confusion_matrix_is_drawn_again(script, shared_page):
    data = {"classes": ["cat", "dog"], "counts": [[9, 1], [2, 8]], "selected": [0, 0]}
    for selected in ([0, 0], [1, 1]):  # the answer to an earlier click, or to a select box
        drawn = [data, ["ArrowDown"], data | {"selected": selected}]
        assert shared_page.evaluate(DRAW_TWICE, drawn) == ["2 labeled dog, the model says cat", 0, 1]
