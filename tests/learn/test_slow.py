"""Slow motion shows the steps of an ordinary run, to the last bit, and what it tells about them is true."""

import pytest
import torch
from torch.nn import functional as F

from vit import config as configuration
from vit.learn import slow
from vit.rules import validate
from vit.runs import launch
from vit.runs.changes import Course
from vit.runs.metrics import curve, read_metrics
from vit.training import planning, worker
from vit.training.batches import prepare
from vit.training.loop import fit
from vit.training.recorder import Recorder
from vit.training.state import new_state

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def recorded() -> list[slow.SlowStep]:
    return slow.recorded()


def test_losses_rates_and_gradients_are_those_of_a_run(home, recorded):
    steps = 12  # validated, and so reported, after each
    settings = slow.SETTINGS | {"train.eval_every": 1}
    config = validate(configuration.merge(slow.configuration().to_json(), settings))
    data = prepare(slow.dataset(slow.NUM_TRAIN + slow.NUM_VAL, slow.SIDE), config, CPU)
    run = launch.create(config, "wise-wolf")
    recorder = Recorder(run)
    recorder.take_command = lambda state, words=None: "stop" if state.step == steps else None
    plan = planning.make_plan(config, data, CPU, "fp32", recorder)
    course = Course(run, config, plan)
    recorder.begin(course)
    fit(worker.open_state(run, config, data, recorder), data, course, recorder)
    rows = read_metrics(run)
    assert curve(rows, "train_loss")[1] == [step.loss for step in recorded[:steps]]
    assert curve(rows, "grad_norm")[1] == [step.grad_norm for step in recorded[:steps]]
    assert curve(rows, "lr")[1] == [step.lr for step in recorded[:steps]]


def test_the_loss_is_that_of_the_probabilities_before_and_after(recorded):
    for step in recorded:
        for shares, loss in ((step.before, step.loss), (step.after, step.loss_after)):
            assert F.nll_loss(shares.log(), step.labels).item() == pytest.approx(loss, abs=1e-5)


def test_the_parts_of_the_gradient_make_up_the_whole(recorded):
    for step in recorded:
        squares = sum(norm**2 for norm in step.grad_norms.values())
        assert squares**0.5 == pytest.approx(step.grad_norm, rel=1e-5)


def test_a_batch_after_a_step_is_what_the_next_weights_say_about_it():
    config = slow.configuration()
    data = prepare(slow.dataset(slow.NUM_TRAIN + slow.NUM_VAL, slow.SIDE), config, CPU)
    state = new_state(config, CPU)
    first = slow.watched(state, data, config)
    again = slow.logits(state.network, first.images).softmax(1)
    torch.testing.assert_close(first.after, again, rtol=0, atol=0)
    assert not torch.equal(first.before, first.after)
    assert state.step == 1


def test_the_tiny_model_learns_its_images(recorded):
    """Else there is nothing to see: chance is ln 3."""
    assert sum(step.loss for step in recorded[-6:]) / 6 < 0.6
