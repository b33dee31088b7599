"""The doctor's card is there only where something is wrong, and its buttons do what they say."""

import pytest
from seen import text_of
from worlds import held, saved, written_run

from pages.train import command
from vit import files
from vit.config import merge
from vit.runs import fork, queue
from vit.runs.changes import read_changes
from vit.runs.directory import Run

BUTTON = "doctor-overfitting"


def ill(step: int = 500) -> Run:
    """A run that learns its training images by heart."""
    run = written_run("quick-otter", phase="training", step=step)
    for at in range(100, step + 1, 100):
        row = {"v": 1, "step": at, "clean_train_accuracy": 0.9, "clean_train_loss": 0.4, "val_loss": 1.0 + at / 500}
        files.append_line(run.metrics_path, row | {"val_accuracy": 0.6, "time": at / 10, "epoch": at / 250})
    return run


def test_a_healthy_run_has_no_card(visit):
    written_run("quick-otter")
    assert "Run doctor" not in text_of(visit("train", run="quick-otter"))


def test_a_finding_is_told_with_its_numbers_its_chart_and_a_remedy(visit, alive):
    held(ill(), alive)
    app = visit("train", run="quick-otter")
    words = text_of(app)
    assert "Run doctor" in words
    assert "The model learns the training images by heart" in words
    assert "Train images reach 90.0% and val images 30.0% less" in words
    assert "quick-otter-doctor-overfitting" in [component.key for component in app.get("bidi_component")]
    assert app.button(key=BUTTON).label == "New run with the remedy"


def test_the_remedy_is_a_fork_where_there_is_a_checkpoint(visit, alive, unstarted):
    run = ill()
    saved(run, 100)
    held(run, alive)
    app = visit("train", run="quick-otter")
    assert app.button(key=BUTTON).label == "Fork from step 100 with the remedy"
    app.button(key=BUTTON).click().run()
    (child,) = (Run.find(run_id) for run_id in queue.waiting())
    assert fork.read_fork(child) == fork.Fork(parent="quick-otter", step=100)
    assert read_changes(child)[0].settings == {"augment.random_erasing": 0.25, "augment.cutmix_alpha": 1.0}
    assert child.id in text_of(app)


def test_a_new_run_with_the_remedy_opens_the_form_with_the_runs_settings(visit):
    ill()
    app = visit("train", run="quick-otter")
    app.button(key=BUTTON).click().run()
    assert not app.exception
    assert app.session_state["form.data.source"] == "shapes"
    assert app.session_state["form.augment.random_erasing"] == 0.25
    assert app.session_state["form.augment.cutmix_alpha"] == 1.0
    assert app.session_state["form.train.lr"] == 0.012  # of the run's preset


@pytest.mark.parametrize("setting", ["train.lr", "model.pos_embed", "train.steps"])
def test_the_address_of_a_remedy_names_everything_that_differs_from_the_preset(visit, setting):
    from worlds import config

    value = {"train.lr": 2e-4, "model.pos_embed": "none", "train.steps": 77}[setting]
    raw = config(**{"train.minutes": None, "train.steps": 50, "model.depth": 5}).to_json()
    address = command.query(merge(raw, {setting: value}))
    assert address["preset"] == "1-minute"
    assert address["model.depth"] == "5"
    assert address[setting.removeprefix("train.") if setting == "train.steps" else setting] == str(value)
    assert "steps" in address
    assert "minutes" not in address
