"""Charts that grow: the node stays, the zoom stays, and a killed server changes nothing."""

from contextlib import ExitStack

import pytest
from playwright.sync_api import expect
from worlds import grow, held, written_run

from vit.runs import launch
from vit.runs.status import read_status, write_status

pytestmark = pytest.mark.slow

CHART = ".vit-chart"


@pytest.fixture
def run(server):
    """A run at step 300 whose worker lives as long as the test."""
    with ExitStack() as stack:
        written = written_run(launch.new_id(), phase="training", step=300)
        held(written, stack)
        yield written


@pytest.fixture
def chart(page, server, run):
    """The drawn loss chart of that run."""
    page.goto(f"{server.url}/train?run={run.id}")
    node = page.locator(CHART).first
    node.locator(".main-svg").first.wait_for()
    return node


def range_of(chart) -> list[float]:
    return chart.evaluate("node => node._fullLayout.xaxis.range")


def last_step(chart) -> float:
    return chart.evaluate("node => Math.max(...node.data.flatMap(line => Array.from(line.x)))")


def reach(page, chart, run, step: int) -> None:
    """Let the run grow and wait until the chart shows it."""
    for at in range(int(last_step(chart)) + 10, step + 1, 10):
        grow(run, at)
    page.wait_for_function(
        "([node, step]) => Math.max(...node.data.flatMap(l => [...l.x])) >= step", arg=[chart.element_handle(), step]
    )


def test_the_chart_keeps_its_node_and_its_zoom_while_the_run_grows(page, chart, run):
    chart.evaluate("node => { node.marked = 'the same one' }")
    box = chart.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.4 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], y, steps=8)
    page.mouse.up()
    page.wait_for_function("node => node._fullLayout.xaxis.autorange === false", arg=chart.element_handle())
    zoomed = range_of(chart)
    for step in (400, 500, 600):
        reach(page, chart, run, step)
        assert range_of(chart) == zoomed
    assert chart.evaluate("node => node.marked") == "the same one"


def test_an_unzoomed_chart_follows_the_run(page, chart, run):
    before = range_of(chart)
    reach(page, chart, run, 500)
    assert range_of(chart)[1] > before[1]


def test_a_chart_out_of_sight_is_drawn_anew_once_it_comes_into_view(page, chart, run):
    last = page.locator(CHART).last
    last.locator(".main-svg").first.wait_for()
    page.set_viewport_size({"width": 1280, "height": 300})
    chart.scroll_into_view_if_needed()
    page.wait_for_function("node => node.vitInSight === false", arg=last.element_handle())
    before = last_step(last)
    reach(page, chart, run, 400)
    page.wait_for_timeout(500)
    assert last_step(last) == before
    last.scroll_into_view_if_needed()
    page.wait_for_function("node => Math.max(...node.data.flatMap(l => [...l.x])) >= 400", arg=last.element_handle())


# What a page sees of a browser that lets it notify; a real one would show it to nobody here.
NOTIFICATIONS = """
window.told = [];
window.Notification = class {
  static permission = "default";
  static requestPermission = async () => (window.Notification.permission = "granted");
  constructor(title, options) { window.told.push(`${title}. ${options.body}`); }
};
"""


def test_whoever_asks_for_it_is_notified_once_when_the_run_ends(page, server):
    name = launch.new_id()
    with ExitStack() as stack:
        run = written_run(name, phase="training", step=300)
        held(run, stack)
        page.add_init_script(NOTIFICATIONS)
        page.goto(f"{server.url}/train?run={name}")
        page.get_by_role("button", name="Notify me when it ends").click()
        expect(page.get_by_role("button", name="You will be notified")).to_have_attribute("aria-pressed", "true")
        write_status(run, read_status(run).model_copy(update={"phase": "finished"}))
    expect(page.get_by_text("Finished with")).to_be_visible()
    page.wait_for_function("() => window.told.length > 0")
    assert page.evaluate("() => window.told") == [f"{name}: finished. Best val accuracy 28.0%."]
    expect(page.get_by_role("button", name="You will be notified")).to_be_hidden()


def test_a_browser_that_blocks_notifications_is_told_how_to_allow_them(page, server, run):
    page.add_init_script(NOTIFICATIONS.replace('= "granted"', '= "denied"'))
    page.goto(f"{server.url}/train?run={run.id}")
    page.get_by_role("button", name="Notify me when it ends").click()
    expect(page.get_by_text("This browser blocks notifications")).to_be_visible()


def test_nothing_is_drawn_while_nothing_happens(page, chart, run):
    page.wait_for_timeout(2000)
    drawn = chart.evaluate("node => node.vitDraws")
    page.wait_for_timeout(5000)
    assert chart.evaluate("node => node.vitDraws") == drawn


def test_a_killed_and_restarted_server_shows_the_whole_curve_again(page, chart, run, server, guard):
    server.kill()
    for step in range(310, 501, 10):
        grow(run, step)
    server.start()
    page.reload()
    expect(page.get_by_text("step 300 of 1,000")).to_be_visible()  # as the status says
    page.locator(CHART).first.locator(".main-svg").first.wait_for()
    again = page.locator(CHART).first
    page.wait_for_function("node => Math.max(...node.data.flatMap(l => [...l.x])) >= 500", arg=again.element_handle())
    assert again.evaluate("node => node.data[0].x[0]") == 10
    guard.complaints.clear()  # of a server that was not there for a while
