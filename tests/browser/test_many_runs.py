"""The whole story of many runs: whatever is clicked, the page, the files and the command line tell the same."""

import json
import os
import re
import subprocess
import sys
import time

import pytest
from drawing import until_drawn
from playwright.sync_api import expect

from vit import presets
from vit.rules import validate
from vit.runs import launch, queue
from vit.runs.changes import read_changes
from vit.runs.directory import Run, read_lines
from vit.runs.fork import read_fork
from vit.runs.status import list_runs, state_of

SMALL = {"model.image_size": 16, "model.embed_dim": 32, "model.depth": 2, "model.num_heads": 2, "data.val_size": 200}
LONG = SMALL | {"train.threads": 1, "train.steps": 100_000, "train.eval_every": 200}
WAIT_SECONDS = 90
pytestmark = pytest.mark.slow


@pytest.fixture
def runs(server):
    """One run that trains for hours, and two that wait behind it."""
    for name in ("first", "second", "third"):
        launch.launch(validate(presets.build("1-minute", LONG)), name)
    yield
    for state in list_runs():
        if state.state == "queued":
            queue.leave(state.id)
        elif state.is_alive:
            launch.command(state.id, "stop")


def until(condition) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def command_line(server, *words: str) -> str:
    environment = {**os.environ, "VIT_HOME": str(server.home)}
    done = subprocess.run([sys.executable, "-m", "vit", *words], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Story:
    """Drives the page of a run, and compares what all three say after every step."""

    def __init__(self, page, server):
        self.page, self.server = page, server

    def open(self, run_id: str) -> None:
        self.page.goto(f"{self.server.url}/train?run={run_id}")
        expect(self.page.get_by_role("heading", name=run_id, exact=True)).to_be_visible()
        until_drawn(self.page)

    def click(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def more(self, section: str) -> None:
        self.click("More")
        self.page.get_by_text(section, exact=True).first.click()
        until_drawn(self.page)

    def agree(self, run_id: str, state: str) -> None:
        """Files, a reloaded page and the command line say that a run is in a state."""
        until(lambda: state_of(Run.find(run_id)).state == state)
        self.open(run_id)
        badge = self.page.get_by_role("main").get_by_text(re.compile(rf"{state}\s*$"))  # after the name of its icon
        expect(badge.first).to_be_visible()
        told = {entry["id"]: entry["state"] for entry in json.loads(command_line(self.server, "runs", "--json"))}
        assert told[run_id] == state

    def event(self, run_id: str, words: str) -> None:
        """An event is in the files, and on the reloaded page."""
        events = Run.find(run_id).events_path
        until(lambda: any(words in line["text"] for line in read_lines(events)))
        self.open(run_id)
        expect(self.page.get_by_text(words).first).to_be_visible()


def test_the_page_the_files_and_the_command_line_tell_the_same_story(page, server, runs):
    story = Story(page, server)
    until(lambda: state_of(Run.find("first")).status.step > 0)
    story.agree("first", "running")
    story.agree("third", "queued")
    # Re-order.
    page.goto(f"{server.url}/runs")
    until_drawn(page)
    page.get_by_role("button", name="Up").last.click()
    until(lambda: queue.waiting() == ["third", "second"])
    page.reload()
    expect(page.get_by_role("link", name="1. third")).to_be_visible()
    assert [line.split()[1] for line in command_line(server, "queue").splitlines()] == ["third", "second"]
    # Pause and continue.
    story.open("first")
    story.click("Pause")
    story.agree("first", "paused")
    step = state_of(Run.find("first")).status.step
    story.click("Continue")
    story.agree("first", "running")
    until(lambda: state_of(Run.find("first")).status.step > step)
    # Change the learning rate, with the server killed before it is looked at again.
    story.more("Change settings")
    box = page.get_by_role("spinbutton", name="Learning rate")
    box.fill("0.0005")
    box.press("Enter")
    story.click("Change from the next step on")
    until(lambda: [change.settings for change in read_changes(Run.find("first"))] == [{"train.lr": 0.0005}])
    page.goto("about:blank")
    server.kill()
    server.start()
    story.event("first", "Changed: train.lr 0.012 → 0.0005.")
    # Save, stop: the next one of the queue begins.
    story.click("More")
    story.click("Save now")
    story.event("first", "Saved a checkpoint at step")
    story.click("Stop")
    story.agree("first", "stopped")
    story.agree("third", "running")
    story.agree("second", "queued")
    # Extend, which lets it wait, and withdraw it.
    story.open("first")
    story.more("Extend")
    story.click("Extend and continue")
    story.agree("first", "queued")
    story.click("Withdraw")
    story.agree("first", "stopped")
    # Fork.
    story.more("Fork")
    page.get_by_role("button", name="Fork", exact=True).last.click()
    expect(page.get_by_role("link", name="Forked from first")).to_be_visible()
    assert len(list_runs()) == 4
    (child,) = {state.id for state in list_runs()} - {"first", "second", "third"}
    assert read_fork(Run.find(child)).parent == "first"
    story.agree(child, "queued")
    story.click("Withdraw")
    story.agree(child, "stopped")
    # Compare, delete, undo.
    page.goto(f"{server.url}/runs?runs=first,third")
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    page.goto(f"{server.url}/runs?runs={child}")
    until_drawn(page)
    story.click("Delete")
    until(lambda: child not in {state.id for state in list_runs()})
    assert child not in command_line(server, "runs")
    story.click("Undo")
    until(lambda: child in {state.id for state in list_runs()})
    story.agree(child, "stopped")
