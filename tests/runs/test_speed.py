"""A machine's speed is measured once per configuration and told at once from then on."""

import json
import time

import pytest

from tests.training.conftest import tiny_config
from vit import jobs, processes
from vit.runs import speed
from vit.runs.speed import Speed


def test_nothing_is_known_before_it_was_measured(home):
    assert speed.remembered(tiny_config()) is None
    assert not speed.is_measuring(tiny_config())


def test_a_speed_is_remembered_for_what_it_depends_on(home):
    speed.remember(tiny_config(), Speed(training=123, validation=400))
    speed.remember(tiny_config(model__depth=3), Speed(training=45, validation=150))
    assert speed.remembered(tiny_config(train__seed=5, train__lr=0.5, train__steps=99)).training == 123
    assert speed.remembered(tiny_config(model__depth=3)).training == 45
    assert speed.remembered(tiny_config(train__batch_size=8)) is None


def test_a_speed_depends_on_all_that_makes_a_step_slower():
    """And not on what only makes it better: those settings share one measurement."""
    plain = {"model__image_size": 16, "model__embed_dim": 32, "train__batch_size": 16, "train__device": "cpu"}
    other = {
        "model__depth": 3,
        "augment__rand_augment": 5,
        "train__batch_size": 8,
        "train__optimizer": "muon",
        "train__device": "auto",
        "train__threads": 2,
        "train__processes": 2,
        "train__precision": "bf16",
        "train__compile": True,
    }
    alike = {"train__lr": 0.5, "train__steps": 99, "train__seed": 5, "data__val_size": 20, "train__eval_every": 7}
    keys = {name: speed.key(tiny_config(**{**plain, name: value})) for name, value in (other | alike).items()}
    assert len({keys[name] for name in other} | {speed.key(tiny_config(**plain))}) == len(other) + 1
    assert {keys[name] for name in alike} == {speed.key(tiny_config(**plain))}


def test_a_speed_is_remembered_where_nothing_was_kept_before(tmp_path, monkeypatch):
    monkeypatch.setenv("VIT_HOME", str(tmp_path / "new" / "home"))
    speed.remember(tiny_config(), Speed(training=7, validation=20))
    assert speed.remembered(tiny_config()).training == 7


def test_what_a_later_measurement_does_not_say_stays_known(home):
    speed.remember(tiny_config(), Speed(training=7, validation=20, saving=0.5, preparation=9))
    speed.remember(tiny_config(), Speed(training=8, validation=20))
    assert speed.remembered(tiny_config()) == Speed(training=8, validation=20, saving=0.5, preparation=9)


def test_what_an_older_version_remembered_is_not_known(home):
    (home / ".speed.json").write_text(json.dumps({speed.key(tiny_config()): 123.0}))
    assert speed.remembered(tiny_config()) is None


def test_the_time_of_a_run_is_the_sum_of_its_parts(home):
    """100 images, 12 of them to validate; 20 steps of 16 images, validated every 5."""
    known = Speed(training=32, validation=24, saving=0.25, preparation=5, measuring=2)
    config = tiny_config(train__steps=20, train__eval_every=5)
    training, validating, test = 20 * 16 / 32, 4 * (12 / 24 + 0.25), 48 / 24
    before = 5 + 2 * speed.MIN_SECONDS
    assert speed.steps(config, 100, known) == 20
    assert speed.seconds(config, 100, 48, 20, known) == before + training + validating + test


def test_a_run_in_minutes_is_foretold_to_train_as_long_with_its_validations(home):
    known = Speed(training=32, validation=24, saving=0.25, preparation=5, measuring=2)
    config = tiny_config(train__steps=None, train__minutes=2, train__eval_every=0.1)
    steps = speed.steps(config, 100, known)
    around = speed.seconds_around(config, 48, known)
    assert around == 5 + 2 * speed.seconds_to_measure(config.train) + 2
    assert speed.seconds(config, 100, 48, steps, known) - around == pytest.approx(120, abs=1)


def test_what_no_run_of_a_configuration_has_shown_is_taken_from_the_others(home):
    assert speed.shown(None, "preparation") == speed.USUAL["preparation"]
    for depth, seconds in ((2, 6.0), (3, 20.0), (4, 7.0)):
        speed.remember(tiny_config(model__depth=depth), Speed(training=1, validation=1, preparation=seconds))
    assert speed.shown(speed.remembered(tiny_config(model__depth=3)), "preparation") == 20.0
    assert speed.shown(Speed(training=1, validation=1), "preparation") == 7.0


def test_what_is_being_measured_is_not_measured_twice(home):
    config = tiny_config()
    name = speed._job(config)
    jobs.folder().mkdir(parents=True)
    jobs.write(jobs.Job(name, "measure", "running"))
    with processes.hold(jobs.lock_path(name)):
        assert speed.is_measuring(config)
        speed.measure(config)
    assert not list(jobs.folder().glob("*.config"))


@pytest.mark.slow
def test_measuring_is_a_process_of_its_own_that_ends(home):
    config = tiny_config()
    speed.measure(config)
    deadline = time.monotonic() + 120
    while speed.remembered(config) is None:
        assert time.monotonic() < deadline, [path.read_text() for path in (home / ".jobs").glob("*.log")]
        time.sleep(0.1)
    assert speed.remembered(config).training > 0
    while speed.is_measuring(config):
        assert time.monotonic() < deadline
        time.sleep(0.05)
