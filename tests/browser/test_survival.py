"""A training run belongs to nobody's browser and nobody's server."""

import pytest
from drawing import until_drawn
from playwright.sync_api import expect

from vit import presets
from vit.rules import validate
from vit.runs import launch
from vit.runs.changes import read_changes
from vit.runs.directory import read_json
from vit.runs.metrics import read_metrics
from vit.runs.status import state_of

TINY = {
    "model.image_size": 16,
    "model.embed_dim": 32,
    "model.depth": 2,
    "model.num_heads": 2,
    "train.threads": 1,
    "train.steps": 100_000,
    "train.eval_every": 200,
    "data.val_size": 200,
}


@pytest.fixture
def run(server):
    """A real worker that would train for hours."""
    launched = launch.launch(validate(presets.build("1-minute", TINY)))
    yield launched
    launch.command(launched.id, "stop")


@pytest.mark.slow
def test_a_run_survives_reload_closed_tab_and_a_killed_server_with_its_whole_curve(page, server, run):
    def has_drawn() -> None:
        expect(page.locator(".vit-chart .main-svg").first).to_be_visible()
        expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()

    address = f"{server.url}/train?run={run.id}"
    page.goto(address)
    has_drawn()
    page.reload()
    has_drawn()
    page.goto("about:blank")
    before = state_of(run).status.step
    server.kill()
    page.wait_for_timeout(3000)
    assert state_of(run).state == "running"
    assert state_of(run).status.step > before
    server.start()
    page.goto(address)
    has_drawn()
    drawn = page.locator(".vit-chart").first.evaluate("node => node.data.flatMap(line => Array.from(line.x))")
    steps = [row["step"] for row in read_metrics(run)]
    assert min(drawn) <= min(steps) + 1
    assert max(drawn) > before
    assert steps == sorted(steps)
    assert read_json(run.status_path)["attempt"] == 1


# What Streamlit's front end sends a moment later, a click, waits until the page was looked at again.
LATE = """() => {
  const later = setTimeout, held = [], send = WebSocket.prototype.send;
  window.setTimeout = (work, ms, ...more) => ms ? later(work, ms, ...more) : held.push(work);
  WebSocket.prototype.send = function (message) {
    send.call(this, message);
    later(() => held.splice(0).forEach((work) => work()), 10);
  };
}"""


@pytest.mark.slow
def test_a_click_just_before_the_page_looks_again_counts_once(page, server, run):
    page.goto(f"{server.url}/train?run={run.id}")
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text("Extend", exact=True).first.click()
    until_drawn(page)
    page.evaluate(LATE)
    page.get_by_role("button", name="Extend", exact=True).click()
    page.wait_for_timeout(8000)
    assert len(read_changes(run)) == 1
