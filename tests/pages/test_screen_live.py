"""A run on the screen in each of the states it can be in."""

import json

import pytest
from seen import accuracy_chart, numbers, text_of
from worlds import TOTAL_STEPS, grow, held, saved, written_run

from pages.train.live import clicks
from vit import files, paths
from vit.runs import commands
from vit.runs.plan import read_plan, write_plan
from vit.runs.status import state_of


def labels(app) -> list[str]:
    return [button.label for button in app.button]


def charts(app) -> int:
    return len(app.get("bidi_component"))


def test_a_running_run_shows_figures_curves_and_can_be_stopped(visit, alive):
    run = written_run("quick-otter", phase="training", step=500)
    held(run, alive)
    app = visit("train", run="quick-otter")
    assert not app.exception
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Val accuracy"] == "40.0%"
    assert metrics["Images/s"] == "640"
    assert charts(app) == 1 + 4  # the switch for notifications, and the curves
    assert "50%" in app.main.progress[-1].text
    assert "50 s left" in app.main.progress[-1].text
    assert {"Stop", "Save now"} <= set(labels(app))
    app.button(key="stop").click().run()
    assert [command.word for command in commands.waiting(run)] == ["stop"]
    assert "stopping after this step" in app.main.progress[-1].text
    assert app.button(key="stop").disabled


def test_of_few_validation_images_it_is_said_how_many_were_right(visit):
    run = written_run("quick-otter", step=1000)
    write_plan(run, read_plan(run).model_copy(update={"num_val": 10}))
    app = visit("train", run="quick-otter")
    assert "Finished with 70.0% (7 of 10) val accuracy" in app.success[0].value
    (tile,) = (metric for metric in app.metric if metric.label == "Val accuracy")
    assert (tile.value, tile.delta) == ("70.0%", "7 of 10")


def test_the_time_left_says_how_sure_it_is(visit, alive):
    held(written_run("quick-otter", phase="training", step=500), alive)
    assert "50 s left (±1 s)" in visit("train", run="quick-otter").main.progress[-1].text


def chart(app, place: int) -> dict:
    """What the component of a chart was sent; the first component is the switch for notifications."""
    return json.loads(app.get("bidi_component")[place + 1].proto.json)


def test_how_the_curves_are_looked_at_is_in_the_address(visit):
    run = written_run("quick-otter", phase="stopped", step=500)
    files.append_line(run.events_path, {"time": 0, "step": 250, "kind": "resumed", "text": "Resumed at step 250."})
    files.append_line(run.events_path, {"time": 0, "step": 250, "kind": "saved", "text": "Saved."})
    app = visit("train", run="quick-otter", x="images", smoothing="10", log="true")
    loss, accuracy = chart(app, 0), chart(app, 1)
    assert (loss["x_title"], loss["log"], accuracy["log"]) == ("images seen", True, False)
    assert loss["marks"] == accuracy["marks"] == [{"x": 64 * 250, "label": "resumed, saved"}]
    assert [line["kind"] for line in loss["series"]] == ["raw", "train", "val"]
    app.slider(key="smoothing").set_value(0).run()
    assert [line["kind"] for line in chart(app, 0)["series"]] == ["train", "val"]


def test_the_star_of_equal_accuracies_is_at_the_lowest_loss(visit):
    run = written_run("quick-otter", phase="stopped", step=90)
    for step, loss in ((100, 0.9), (110, 0.2), (120, 0.5)):
        row = {"v": 1, "step": step, "epoch": step / 250, "val_loss": loss, "val_accuracy": 1.0}
        files.append_line(run.metrics_path, row)
    series = accuracy_chart(visit("train", run="quick-otter", x="step"))["series"]
    assert [numbers(line["x"]) for line in series if line["kind"] == "best"] == [[110]]


def test_what_a_run_takes_of_the_machine_is_beside_its_speed_and_has_charts(visit):
    run = written_run("quick-otter", phase="stopped", step=490)
    app = visit("train", run="quick-otter", tab="Hardware")
    assert any(caption.value.startswith("Nothing was recorded yet") for caption in app.caption)
    row = {"v": 1, "step": 500, "time": 50.0, "cpu_percent": 187.4, "memory_bytes": 612_000_000}
    files.append_line(run.metrics_path, row)
    app.run()
    assert any("CPU 1.9 cores · memory 612 MB" in caption.value for caption in app.caption)
    assert "GPU" not in text_of(app)
    assert charts(app) == 1 + 4 + 3  # the switch for notifications, the curves, and processor, memory and images/s


def test_the_log_is_searched_in_any_case(visit):
    run = written_run("quick-otter")
    run.log_path.write_text("Epoch 1\n[step 5] Saved *this*\nsaved again\n")
    app = visit("train", run="quick-otter", tab="Log", find="SAVED")
    assert app.code[0].value == "[step 5] Saved *this*\nsaved again"
    assert any(caption.value == "2 lines with SAVED." for caption in app.caption)
    app.text_input(key="find").set_value("nowhere").run()
    assert app.code[0].value == ""
    assert any(caption.value == "0 lines with nowhere." for caption in app.caption)


def test_saving_a_checkpoint_does_not_look_like_stopping(visit, alive):
    run = written_run("quick-otter", phase="training", step=500)
    held(run, alive)
    app = visit("train", run="quick-otter")
    next(button for button in app.button if button.label == "Save now").click().run()
    assert [command.word for command in commands.waiting(run)] == ["save"]
    assert "saving a checkpoint after this step" in app.main.progress[-1].text
    assert not app.button(key="stop").disabled
    assert not app.toast


@pytest.mark.parametrize("key", ["save", "apply_extend"])
def test_a_click_that_arrives_twice_counts_once(visit, alive, key, monkeypatch):
    monkeypatch.setattr(clicks, "TWICE_SECONDS", 60.0)  # however slow this machine is
    run = written_run("quick-otter", phase="training", step=500)
    held(run, alive)
    app = visit("train", run="quick-otter")
    for _ in range(2):
        app.button(key=key).click().run()
    assert len(commands.waiting(run)) == 1
    app.button(key="pause").click().run()
    app.button(key=key).click().run()
    assert len(commands.waiting(run)) == 3


def test_what_was_refused_may_be_asked_again_at_once(visit, alive):
    run = written_run("quick-otter", phase="training", step=500)
    held(run, alive)
    app = visit("train", run="quick-otter")
    app.selectbox(key="extend_unit.quick-otter").select("steps")
    app.number_input(key="extend.quick-otter").set_value(1e12).run()
    for _ in range(2):
        app.button(key="apply_extend").click().run()
        assert "a run can be extended by 1 to" in app.error[0].value
    assert commands.waiting(run) == []


def test_epochs_have_one_decimal(visit, alive):
    held(written_run("quick-otter", phase="training", step=20, total_epochs=2.08), alive)
    assert visit("train", run="quick-otter").main.progress[-1].text.startswith("epoch 0.1 of 2.1 · ")


def test_the_pinned_images_say_what_the_model_says(visit):
    written_run("quick-otter", phase="stopped", step=300)
    app = visit("train", run="quick-otter")
    assert "Watch it learn" in text_of(app)
    assert sum("check" in caption.value and "28%" in caption.value for caption in app.caption) == 8


def test_a_finished_run_says_what_it_reached_and_what_to_do_next(visit):
    saved(written_run("quick-otter", test={"accuracy": 0.685, "loss": 1.0}), 1000)
    app = visit("train", run="quick-otter")
    assert "Test accuracy 68.5%; the test set is used once, at the end." in app.success[0].value
    assert "70.0% val accuracy at step 1,000" in app.success[0].value
    assert {"Try it on an image", "Continue training", "New run"} <= set(labels(app))
    assert "Resume" not in labels(app)


def test_a_failed_run_says_why_and_what_was_kept(visit):
    run = written_run(
        "quick-otter", phase="failed", step=420, error={"message": "train_loss is not finite at step 420"}
    )
    saved(run, 400)
    app = visit("train", run="quick-otter")
    assert app.error[0].value.startswith("Train_loss is not finite at step 420. The last checkpoint is from step 400")
    assert "Resume" in labels(app)


def test_a_worker_that_vanished_leaves_an_interrupted_run_that_can_be_resumed(visit, unstarted):
    run = written_run("quick-otter", phase="training", step=500)
    app = visit("train", run="quick-otter")
    assert "ended unexpectedly" in app.warning[0].value
    app.button(key="resume").click().run()
    assert state_of(run).state == "queued"


def test_a_queued_run_says_what_it_waits_for(visit, alive):
    held(written_run("brave-bear", phase="training", step=500), alive)
    held(written_run("quick-otter", phase="queued", step=0, total_steps=None), alive)
    app = visit("train", run="quick-otter")
    assert not app.exception
    assert app.main.progress[-1].text == "Waiting until brave-bear is done · next in the queue"


def test_a_run_that_nothing_holds_up_is_starting(visit, alive):
    held(written_run("quick-otter", phase="queued", step=0, total_steps=None), alive)
    assert visit("train", run="quick-otter").main.progress[-1].text == "Starting the worker"


def test_a_run_that_is_not_there_is_a_sentence_with_a_way_on(visit):
    app = visit("train", run="no-such-run")
    assert app.error[0].value.startswith("There is no run called 'no-such-run'. It may have been deleted")
    assert str(paths.home()) not in app.error[0].value
    assert not app.exception


@pytest.mark.parametrize("name", ["../../etc", "pretrained", "A b"])
def test_a_name_that_is_no_name_is_refused_politely(visit, name):
    app = visit("train", run=name)
    assert "can't be a run's name" in app.error[0].value


def test_the_settings_tab_shows_the_command_line(visit):
    written_run("quick-otter")
    app = visit("train", run="quick-otter", tab="Settings")
    assert app.code[0].value.startswith("python -m vit train --preset 1-minute --data shapes")


def test_a_half_written_line_does_not_disturb_the_curves(visit):
    run = written_run("quick-otter", phase="stopped", step=100)
    with open(run.metrics_path, "a") as file:
        file.write('{"v": 1, "step": 110, "train_lo')
    app = visit("train", run="quick-otter")
    assert not app.exception
    assert charts(app) == 1 + 4  # the switch for notifications, and the curves


def test_what_a_resumed_run_repeats_is_shown_once(visit):
    run = written_run("quick-otter", phase="stopped", step=200)
    files.append_line(run.metrics_path, {"v": 1, "resumed_at": 150, "attempt": 2})
    grow(run, 160)
    app = visit("train", run="quick-otter")
    assert app.metric[0].value == f"{2.3 - 160 / 700:.3f}"  # the train loss of step 160, not of the old step 200


def test_the_active_run_follows_to_every_screen(visit, alive):
    held(written_run("quick-otter", phase="training", step=500), alive)
    for screen in ("start", "train", "data", "predict"):
        app = visit(screen)
        assert not app.exception
        assert any("val accuracy 40.0%" in bar.text for bar in app.sidebar.progress), screen


def test_no_active_run_no_card(visit):
    written_run("quick-otter", step=TOTAL_STEPS)
    assert not visit().sidebar.progress
