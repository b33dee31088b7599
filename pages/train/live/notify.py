"""A notification of the browser when a run ends, for those who look at something else meanwhile."""

from pathlib import Path

from pages.shared import component
from vit import text
from vit.runs.directory import Run
from vit.runs.status import RunState

_mount = component.register("vit_lab_notify", Path(__file__).with_suffix(".js"))


def draw(run: Run, now: RunState) -> None:
    """A switch while the run lives; afterwards nothing is seen of it, and whoever asked for it is told once."""
    best = now.status.best_val_accuracy
    reached = f"Best val accuracy {text.percent(best)}." if best is not None else "It reached no validation."
    told = {"title": f"{run.id}: {now.state}", "body": reached}
    goes_on = now.is_alive or now.state == "paused"
    _mount(key=f"notify-{run.id}", data={"run": run.id, "goesOn": goes_on, **told}, width="content")
