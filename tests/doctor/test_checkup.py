"""Signals are measured at validations, cost little, and change nothing of the training."""

import time

import pytest
import torch

from tests.training.conftest import EVERYTHING, run_training, tiny_config, weights
from vit.doctor import checkup
from vit.doctor.checkup import Checkup
from vit.doctor.vocabulary import LAYER_ENTROPY, TITLES
from vit.runs.metrics import read_metrics

FIGURES = ("step", "train_loss", "val_loss", "val_accuracy", "grad_norm")


def measured(run) -> list[dict]:
    return [row for row in read_metrics(run) if "update_ratio" in row]


def figures(run) -> list[dict]:
    """What doesn't depend on the time that a step took."""
    return [{name: row[name] for name in FIGURES if name in row} for row in read_metrics(run) if "val_loss" in row]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_training_has_the_same_bits_with_and_without_signals(home, data, monkeypatch, optimizer):
    everything = {name.replace(".", "__"): value for name, value in EVERYTHING.items()}
    config = tiny_config(train__optimizer=optimizer, model__pool="cls", **everything)
    with_signals, state, *_ = run_training(config, data, "with")
    random_state = torch.get_rng_state()
    monkeypatch.setattr(Checkup, "before_step", lambda *_: None)
    without, other, *_ = run_training(config, data, "without")
    assert measured(with_signals)
    assert not measured(without)
    assert figures(with_signals) == figures(without)
    assert torch.equal(random_state, torch.get_rng_state())
    one, two = weights(with_signals), weights(without)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert state.network.training == other.network.training


def test_every_signal_has_a_name_in_the_vocabulary(home, data):
    run, *_ = run_training(tiny_config(model__pool="cls"), data, "one")
    rows = measured(run)
    assert [row["step"] for row in rows] == [4, 8, 12]
    known = {*TITLES, "step", "epoch", "time", "images", "attempt", "v", "val_seconds"}
    named = {name for name in rows[-1] if not name.startswith(LAYER_ENTROPY)}
    assert named <= known
    assert {f"{LAYER_ENTROPY}0", f"{LAYER_ENTROPY}1", "class_token_share", "linear_accuracy"} <= rows[-1].keys()


def test_a_moving_model_is_seen_to_move_as_far_as_its_learning_rate_lets_it(home, data):
    """AdamW's first update of each weight is the learning rate; weights of 0.02 then move by a twentieth of it."""
    config = tiny_config(train__lr=1e-3, train__steps=1, train__eval_every=1, train__warmup=0, train__weight_decay=0)
    row = measured(run_training(config, data, "one")[0])[0]
    assert row["update_ratio"] == pytest.approx(1e-3 / 0.02, rel=0.2)


def test_where_measuring_takes_long_it_is_done_seldom(home, data, monkeypatch):
    spent = Checkup.measure

    def slow(self, *arguments):
        found = spent(self, *arguments)
        self._spent += 1000.0
        return found

    monkeypatch.setattr(Checkup, "measure", slow)
    run, *_ = run_training(tiny_config(train__steps=24, train__eval_every=2), data, "one")
    assert [row["step"] for row in measured(run)] == [2, 8, 14, 20]


def test_what_is_not_finite_is_left_out(home, data, monkeypatch):
    monkeypatch.setattr(checkup.signals, "linear_accuracy", lambda *_: float("nan"))
    run, *_ = run_training(tiny_config(), data, "one")
    assert "linear_accuracy" not in measured(run)[0]
    assert "update_ratio" in measured(run)[0]


def test_cores_are_seconds_of_the_processor_per_second_of_training(home, data, monkeypatch):
    state = run_training(tiny_config(), data, "one")[1]
    clock = Checkup()
    state.seconds = 10.0
    assert clock._cores(state) == {}  # nothing to compare with yet
    state.seconds = 10.5
    assert clock._cores(state) == {}  # too short to say
    begun = time.process_time()
    while time.process_time() - begun < 0.05:
        pass
    state.seconds = 20.0
    assert clock._cores(state)["cpu_cores"] == pytest.approx(0.005, abs=0.004)
