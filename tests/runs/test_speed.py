"""A machine's speed is measured once per configuration and told at once from then on."""

import time

from tests.training.conftest import tiny_config
from vit import jobs, processes
from vit.runs import speed


def test_nothing_is_known_before_it_was_measured(home):
    assert speed.remembered(tiny_config()) is None
    assert not speed.is_measuring(tiny_config())


def test_a_speed_is_remembered_for_what_it_depends_on(home):
    speed.remember(tiny_config(), 123.0)
    speed.remember(tiny_config(model__depth=3), 45.0)
    assert speed.remembered(tiny_config(train__seed=5, train__lr=0.5, train__steps=99)) == 123.0
    assert speed.remembered(tiny_config(model__depth=3)) == 45.0
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
    speed.remember(tiny_config(), 7.0)
    assert speed.remembered(tiny_config()) == 7.0


def test_what_is_being_measured_is_not_measured_twice(home):
    config = tiny_config()
    name = speed._job(config)
    jobs.folder().mkdir(parents=True)
    jobs.write(jobs.Job(name, "measure", "running"))
    with processes.hold(jobs.lock_path(name)):
        assert speed.is_measuring(config)
        speed.measure(config)
    assert not list(jobs.folder().glob("*.config"))


def test_measuring_is_a_process_of_its_own_that_ends(home):
    config = tiny_config()
    speed.measure(config)
    deadline = time.monotonic() + 120
    while speed.remembered(config) is None:
        assert time.monotonic() < deadline, [path.read_text() for path in (home / ".jobs").glob("*.log")]
        time.sleep(0.1)
    assert speed.remembered(config) > 0
    while speed.is_measuring(config):
        assert time.monotonic() < deadline
        time.sleep(0.05)
