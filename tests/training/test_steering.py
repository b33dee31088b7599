"""What a person changes while a run trains is part of the run: a resumed one does the same at the same steps."""

import threading
import time

import pytest
import torch

from tests.training.conftest import CPU, tiny_config, weights
from vit import files
from vit.errors import ConfigError, RunError
from vit.runs import commands, fork, launch, queue
from vit.runs.changes import Course, read_changes
from vit.runs.commands import Command
from vit.runs.directory import Run, read_lines
from vit.runs.metrics import read_metrics
from vit.runs.plan import read_plan, write_plan
from vit.runs.status import read_status, state_of
from vit.training import planning, worker
from vit.training.loop import fit, train_step
from vit.training.recorder import Recorder
from vit.training.state import new_state

SLOWER = Command(word="change", settings={"train.lr": 1e-4, "train.weight_decay": 0.5, "augment.crop_padding": 0})


pytestmark = pytest.mark.usefixtures("unstarted")  # these tests train in their own process


class Killed(BaseException):
    pass


def train(run: Run, data, asked: dict[int, list[Command]] | None = None, die_at: int = -1):
    """Do a run in this process from where it stands; commands are left when a step is reached."""
    recorder = Recorder(run)
    config = worker.read(run.config_path)
    plan = read_plan(run)
    if plan is None:
        plan = planning.make_plan(config, data, CPU, "fp32", recorder)
        write_plan(run, plan)
    course = Course(run, config, plan)
    recorder.begin(course)
    state = worker.open_state(run, config, data, recorder)
    take, asked = recorder.take_command, dict(asked or {})

    def take_command(state=None, words=commands.WORDS):
        if state is None:
            return take()
        for command in asked.pop(state.step, []):
            commands.leave(run, command)
        if state.step == die_at:
            raise Killed
        return take(state, words)

    recorder.take_command = take_command
    outcome = fit(state, data, course, recorder)
    recorder.close(outcome, "", state)
    return state


def same(one: Run, other: Run) -> bool:
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_a_changed_run_that_is_killed_and_resumed_is_the_same_as_one_that_was_not(home, data):
    config = tiny_config()  # 12 steps, validated and saved every 4
    whole, killed, plain = (launch.create(config, name) for name in ("whole", "killed", "plain"))
    train(whole, data, {6: [SLOWER]})
    with pytest.raises(Killed):
        train(killed, data, {6: [SLOWER]}, die_at=7)
    train(killed, data)
    train(plain, data)
    assert [change.step for change in read_changes(killed)] == [6]
    assert same(whole, killed)
    assert not same(whole, plain)
    assert [row["lr"] for row in read_metrics(whole) if "lr" in row][-1] < 1e-4


def test_a_change_that_was_written_down_is_not_made_again_by_the_command_that_asked_for_it(home, data):
    run, other = launch.create(tiny_config(), "one"), launch.create(tiny_config(), "two")
    commands.leave(run, SLOWER)
    (command,) = commands.waiting(run)
    with pytest.raises(Killed):
        train(run, data, die_at=2)  # from step 0 on
    commands.leave(run, SLOWER)
    (left,) = commands.waiting(run)
    (run.commands_path / f"{left.id}.json").rename(run.commands_path / f"{command.id}.json")
    train(run, data)
    train(other, data, {0: [SLOWER]})
    assert [change.step for change in read_changes(run)] == [0]
    assert same(run, other)


def test_a_new_change_replaces_those_of_steps_that_a_resumed_run_has_not_reached(home, data):
    run = launch.create(tiny_config(), "one")
    with pytest.raises(Killed):
        train(run, data, {6: [SLOWER]}, die_at=7)
    train(run, data, {5: [Command(word="change", settings={"train.lr": 2e-3})]})
    assert [(change.step, dict(change.settings)) for change in read_changes(run)] == [(5, {"train.lr": 2e-3})]


@pytest.mark.parametrize("name", ["model.depth", "data.source", "preset.x", "nothing"])
def test_a_run_from_elsewhere_changes_nothing_but_what_may_change(home, data, name):
    run = launch.create(tiny_config(), "run")
    files.append_line(run.changes_path, {"step": 0, "settings": {"train.lr": 1e-4, name: 7}})
    files.append_line(run.changes_path, {"step": 0, "settings": {"train.lr": 1e-5}})
    assert [change.settings for change in read_changes(run)] == [{"train.lr": 1e-5}]


def test_an_extended_run_follows_the_longer_schedule_from_then_on(home, data):
    config = tiny_config()
    run = launch.create(config, "one")
    train(run, data)
    launch.extend("one", epochs=2)
    assert queue.waiting() == ["one"]
    state = train(run, data)
    plan = read_plan(run)
    longer = 12 + 2 * plan.steps_per_epoch
    expected = new_state(config, CPU)
    for step in range(longer):
        lr = config.train.lr_at(step, 12 if step < 12 else longer, plan.warmup_steps)
        train_step(expected.network, expected, data.batch(step, config), config.train, lr, "fp32")
    assert state.step == longer == state_of(run).status.total_steps
    assert all(torch.equal(tensor, state.tensors()[name]) for name, tensor in expected.tensors().items())


def test_a_run_that_was_extended_while_it_closed_waits_for_its_next_worker(home, data):
    run = launch.create(tiny_config(), "one")
    recorder = Recorder(run)
    train(run, data)
    commands.leave(run, Command(word="extend", steps=4))
    recorder.close("finished", "")
    assert queue.waiting() == ["one"]
    assert train(run, data).step == 16


def test_a_fork_without_a_change_ends_as_its_parent(home, data):
    parent = launch.create(tiny_config(), "parent")
    train(parent, data, {5: [SLOWER]})
    step = parent.saved()[0].step
    child = fork.fork("parent", step, {}, "child")
    assert step == 8
    assert queue.waiting() == ["child"]
    train(child, data)
    assert same(parent, child)
    assert [row["step"] for row in read_metrics(child)][0] > 8
    assert read_lines(child.events_path)[0]["text"] == "Forked from parent at step 8."
    assert child.tracked_image_path.exists() == parent.tracked_image_path.exists()


def test_a_fork_with_a_change_is_its_parent_changed_at_that_step(home, data):
    parent, changed = launch.create(tiny_config(), "parent"), launch.create(tiny_config(), "changed")
    train(parent, data)
    train(changed, data, {8: [SLOWER]})
    child = fork.fork("parent", 8, SLOWER.settings, "child")
    train(child, data)
    assert same(child, changed)
    assert not same(child, parent)
    assert fork.read_fork(child) == fork.Fork(parent="parent", step=8)


def test_a_fork_leaves_out_what_its_parent_changed_later(home, data):
    parent, plain = launch.create(tiny_config(), "parent"), launch.create(tiny_config(), "plain")
    train(parent, data, {10: [SLOWER]})
    train(plain, data)
    child = fork.fork("parent", 8, {}, "child")
    train(child, data)
    assert same(child, plain)


def test_a_fork_refuses_what_it_can_not_do(home, data):
    parent = launch.create(tiny_config(), "parent")
    with pytest.raises(RunError, match="has not begun yet"):
        fork.fork("parent", 0, {})
    train(parent, data)
    with pytest.raises(RunError, match="no whole checkpoint of step 3; it has 8, 12"):
        fork.fork("parent", 3, {})
    with pytest.raises(ConfigError, match=r"model\.depth=3: can't be changed once a run has begun"):
        fork.fork("parent", 8, {"model.depth": 3})
    with pytest.raises(ConfigError, match=r"train\.lr=-1"):
        fork.fork("parent", 8, {"train.lr": -1})
    with pytest.raises(RunError, match="already a run called 'parent'"):
        fork.fork("parent", 8, {}, "parent")
    assert [state.id for state in map(state_of, [parent])] == ["parent"]
    assert queue.waiting() == []


def test_a_run_that_gets_no_better_ends_early_and_can_be_extended(home, data):
    config = tiny_config(train__lr=1e-30, train__patience=1, train__steps=40)
    run = launch.create(config, "one")
    state = train(run, data)
    assert (state.step, state.stale) == (8, 1)  # the first validation is the best one
    assert state_of(run).state == "finished"
    assert "Nothing better in 1 validation." in [event["text"] for event in read_lines(run.events_path)]
    launch.extend("one", steps=4)
    assert train(run, data).step == 12


def test_a_validation_that_a_person_asks_for_does_not_count_for_patience(home, data):
    run = launch.create(tiny_config(train__lr=1e-30, train__patience=1, train__steps=40), "one")
    asked = [Command(word="evaluate")]
    assert train(run, data, {5: asked, 6: asked}).step == 8
    assert [row["step"] for row in read_metrics(run) if "val_accuracy" in row] == [4, 5, 6, 8]


def test_patience_survives_a_resume(home, data):
    config = tiny_config(train__lr=1e-30, train__patience=2, train__steps=40)
    whole, killed = launch.create(config, "whole"), launch.create(config, "killed")
    with pytest.raises(Killed):
        train(killed, data, die_at=9)
    assert train(whole, data).step == train(killed, data).step == 12


def test_a_paused_run_waits_in_place_and_follows_commands_meanwhile(home, data):
    undisturbed, run = launch.create(tiny_config(), "undisturbed"), launch.create(tiny_config(), "run")
    train(undisturbed, data)
    states = []

    def steer():
        while read_status(run).phase != "paused":
            time.sleep(0.01)
        commands.leave(run, Command(word="evaluate"))
        while "val_accuracy" not in read_metrics(run)[-1]:
            time.sleep(0.01)
        states.append((read_status(run).step, run.saved()[-1].step))
        commands.leave(run, Command(word="continue"))

    person = threading.Thread(target=steer)
    person.start()
    train(run, data, {6: [Command(word="pause")]})
    person.join()
    assert states == [(6, 6)]
    kinds = [event["kind"] for event in read_lines(run.events_path)]
    assert kinds == ["started", "paused", "continued", "finished"]
    assert same(run, undisturbed)


def test_a_paused_run_can_be_stopped(home, data):
    run = launch.create(tiny_config(), "run")
    state = train(run, data, {6: [Command(word="pause"), Command(word="stop")]})
    assert state.step == 6
    assert state_of(run).state == "stopped"
    assert run.saved()[-1].step == 6


def test_a_stop_after_the_last_step_does_not_make_a_finished_run_a_stopped_one(home, data):
    run = launch.create(tiny_config(), "run")
    train(run, data, {12: [Command(word="stop")]})
    assert state_of(run).state == "finished"


def test_what_can_not_be_changed_is_refused_with_all_reasons(home, data):
    run = launch.create(tiny_config(), "run")
    with pytest.raises(ConfigError) as refused:
        launch.change("run", {"model.depth": 2, "train.batch_size": 8})
    assert [problem.field for problem in refused.value.problems] == ["model.depth", "train.batch_size"]
    with pytest.raises(ConfigError, match=r"train\.lr=99"):
        launch.change("run", {"train.lr": 99})
    with pytest.raises(RunError, match="has not begun yet"):
        launch.extend("run", steps=5)
    assert commands.waiting(run) == []
    train(run, data)
    with pytest.raises(RunError, match="is finished; extend it, or fork it"):
        launch.change("run", {"train.lr": 0.1})
    with pytest.raises(RunError, match="by 1 to"):
        launch.extend("run", steps=0)
