"""What is decided before a run, and what measuring makes of a machine that does other things at the same time."""

import itertools
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.training.conftest import CPU, run_training, tiny_config
from vit import files, paths
from vit.runs import speed
from vit.runs.directory import read_lines
from vit.runs.plan import Plan
from vit.runs.speed import steps_in_minutes
from vit.training import planning
from vit.training.planning import tracked_images

BURST = 0.3  # seconds


def test_a_burst_of_other_work_does_not_count(data, monkeypatch):
    undisturbed, turns = planning.train_step, itertools.count()

    def step(*arguments):
        time.sleep(BURST if next(turns) % 5 < 2 else 0)
        return undisturbed(*arguments)

    monkeypatch.setattr(planning, "train_step", step)
    assert planning.seconds_per_step(tiny_config(), data, "fp32", seconds=3.0) < BURST


def test_steps_that_are_never_alike_are_not_told_faster_than_most_of_them_are(data, monkeypatch):
    """A run would take longer than it was asked to."""
    undisturbed, turns = planning.train_step, itertools.count()

    def step(*arguments):
        time.sleep(BURST if next(turns) % 3 else 0)
        return undisturbed(*arguments)

    monkeypatch.setattr(planning, "train_step", step)
    assert planning.seconds_per_step(tiny_config(), data, "fp32", seconds=3.0) >= BURST


def test_a_long_run_given_in_minutes_is_measured_longer_but_nobody_waits_long():
    seconds = [
        speed.seconds_to_measure(tiny_config(train__steps=None, train__minutes=m).train) for m in (0.2, 1, 5, 30, 480)
    ]
    assert seconds == sorted(seconds)
    assert seconds[0] == speed.seconds_to_measure(tiny_config().train) == speed.MIN_SECONDS
    assert seconds[2] >= 3 * seconds[0]
    assert seconds[-1] == speed.MAX_SECONDS


def test_a_plan_says_what_the_run_is_made_of(home, data):
    config = tiny_config(train__steps=40, train__warmup=0.25, train__eval_every=0.1, train__threads=1)
    run, _, _, plan = run_training(config, data, "one", stop_at=1)
    assert (plan.total_steps, plan.warmup_steps, plan.eval_steps) == (40, 10, 4)
    assert (plan.steps_per_epoch, plan.total_epochs) == (84 // 16, 40 / 5)
    assert (plan.num_train, plan.num_val, plan.num_test) == (84, 12, 30)
    assert (plan.classes, plan.data_name, plan.data_fingerprint) == (data.classes, "striped", "fingerprint")
    assert (torch.tensor(plan.mean).tolist(), torch.tensor(plan.std).tolist()) == (
        data.mean.tolist(),
        data.std.tolist(),
    )
    assert (plan.grid_size, plan.device, plan.device_name, plan.precision) == (4, "cpu", "cpu", "fp32")
    assert (plan.threads, plan.processes, plan.torch) == (torch.get_num_threads(), 1, torch.__version__)
    assert (plan.images_per_second, plan.minutes) == (None, None)
    assert plan.tracked_labels == tuple(data.val.labels[list(plan.tracked)].tolist())
    assert all(type(label) is int for label in plan.tracked_labels)  # as JSON has it
    assert "planned" not in {event["kind"] for event in read_lines(run.events_path)}  # nothing was measured


def test_validations_are_never_further_apart_than_the_run_is_long_nor_closer_than_a_step(home, data):
    _, _, _, plan = run_training(tiny_config(train__steps=3, train__eval_every=0.01), data, "one", stop_at=1)
    assert plan.eval_steps == 1
    steps = [
        step for step in range(1, 11) if plan.model_copy(update={"total_steps": 10, "eval_steps": 4}).is_eval_step(step)
    ]
    assert steps == [4, 8, 10]


def test_an_image_of_every_class_is_tracked_and_then_the_first_others(data):
    tracked = tracked_images(data)
    labels = data.val.labels.tolist()
    assert sorted(labels[place] for place in tracked[:3]) == [0, 1, 2]
    assert all(place == labels.index(labels[place]) for place in tracked[:3])
    assert len(set(tracked)) == 8
    assert list(tracked[3:]) == [place for place in range(12) if place not in tracked[:3]][:5]


def test_a_run_in_minutes_is_measured_and_says_so(home, data, monkeypatch):
    monkeypatch.setattr(speed, "MIN_SECONDS", 0.05)
    config = tiny_config(train__steps=None, train__minutes=0.01)
    run, _, _, plan = run_training(config, data, "one", stop_at=1)
    assert plan.minutes == 0.01
    assert plan.images_per_second == pytest.approx(speed.remembered(config).training)
    assert plan.total_steps >= 10
    event = next(event["text"] for event in read_lines(run.events_path) if event["kind"] == "planned")
    assert event == f"Measured {plan.images_per_second:,.0f} images/s, so 0.01 min is {plan.total_steps:,} steps."


@pytest.mark.parametrize(
    ("eval_every", "evaluation", "expected"),
    [
        (0.1, 0.0, 600),  # 60 s at 0.1 s
        (0.1, 1.0, 500),  # ten validations leave 50 s
        (5, 0.5, 300),  # each step brings a fifth of a validation
        (0.05, 3.0, 450),  # twenty would fill the minute: they are fewer, and take a quarter of it
        (5, 100.0, 10),  # never fewer than ten
    ],
)
def test_minutes_become_the_steps_that_fit_with_their_validations(eval_every, evaluation, expected):
    config = tiny_config(train__steps=None, train__minutes=1, train__eval_every=eval_every).train
    assert steps_in_minutes(config, 0.1, evaluation) == pytest.approx(expected, abs=1)


@given(st.floats(0.01, 0.9), st.floats(0.001, 60), st.floats(0.1, 500))
def test_validations_take_a_quarter_of_a_runs_minutes_at_most_but_for_one_halfway_and_one_at_the_end(
    share, validation, minutes
):
    config = tiny_config(train__steps=None, train__minutes=minutes, train__eval_every=share).train
    total = steps_in_minutes(config, 0.001, validation)
    count = speed.num_validations(config, total, validation)
    assert count <= max(2, 0.25 * 60 * minutes / validation) + 2  # where the steps don't divide
    assert speed.eval_every(config, 0.0) == share  # what takes no time stays as it was chosen


def test_a_length_in_steps_or_a_number_of_steps_between_validations_stays_as_chosen():
    in_steps = tiny_config(train__steps=40, train__eval_every=0.1).train
    counted = tiny_config(train__steps=None, train__minutes=1, train__eval_every=4).train
    assert speed.eval_steps(in_steps, 40, validation=100.0) == speed.eval_steps(counted, 40, validation=100.0) == 4


def test_a_validation_is_timed_by_one_batch_of_it(data, monkeypatch):
    """Of 12 images, four at a time: three times as long as four images take."""
    sizes = []

    def evaluate(network, images, *rest):
        sizes.append(len(images))
        time.sleep(0.1)

    monkeypatch.setattr(planning, "EVAL_BATCH_SIZE", 4)
    monkeypatch.setattr(planning, "evaluate", evaluate)
    assert planning.seconds_per_evaluation(tiny_config(), data, "fp32") >= 0.3
    assert sizes[-1] == 4


def test_random_images_cost_as_much_as_real_ones():
    config = tiny_config(model__in_channels=1, train__batch_size=2000)
    found = planning.random_images(config, CPU)
    images, labels, _ = found.batch(0, config)
    assert images.shape == (2000, 1, 8, 8)
    assert found.train.images.unique().tolist() == list(range(256))
    assert labels.unique().tolist() == [0, 1, 2]
    assert found.mean.tolist() == found.std.tolist() == [0.5]
    assert len(planning.random_images(tiny_config(), CPU).train.labels) == 1024


@pytest.fixture
def request_file(home):
    """What the app leaves for the process that measures, which sets torch up for itself."""
    paths.runs_root().mkdir(parents=True, exist_ok=True)
    path, threads = home / "request.config", torch.get_num_threads()
    files.write_json(path, tiny_config().to_json())
    yield path
    torch.set_flush_denormal(False)
    torch.set_num_threads(threads)


def test_measuring_a_request_remembers_its_speed_and_takes_the_request_away(request_file, monkeypatch):
    monkeypatch.setattr(planning.fastest, "__defaults__", (0.05,))  # seconds to measure
    assert planning.measure_when_free(request_file) == "measured"
    assert not request_file.exists()
    assert speed.remembered(tiny_config()).training > 0


def test_one_process_is_measured_once_and_as_it_is(data, monkeypatch):
    counted, measure = [], planning.measure
    monkeypatch.setattr(planning, "measure", lambda *asked: counted.append(asked) or measure(*asked))
    config = tiny_config()
    found = planning.fastest(config, data, "fp32", seconds=0.05)
    assert counted == [(config, data, "fp32", 0.05)]
    assert (found.processes, found.threads) == (1, torch.get_num_threads())
    assert 0 < found.step < 10
    assert 0 < found.evaluation < 10


def test_a_plan_made_before_there_were_teams_is_of_one_process(home, data):
    *_, plan = run_training(tiny_config(train__steps=1), data, "one")
    older = plan.model_dump(mode="json")
    del older["processes"]
    assert Plan.model_validate(older).processes == 1
