"""One step computes the loss, the gradient and the update that its settings name."""

import dataclasses
import time

import pytest
import torch
from torch.nn import functional as F

from tests.training.conftest import CPU, run_training, tiny_config
from vit import checkpoint
from vit.training import loop
from vit.training.loop import clip_gradients, predict_logits, train_step
from vit.training.recorder import Recorder
from vit.training.state import new_state

PLAIN_SGD = {
    "train__optimizer": "sgd",
    "train__momentum": 0.0,
    "train__weight_decay": 0.0,
    "train__label_smoothing": 0.0,
}


def flat(tensors) -> torch.Tensor:
    return torch.cat([tensor.detach().double().flatten() for tensor in tensors])


def one_step(data, lr: float = 0.5, at: int = 0, **settings):
    """A single step from fresh weights: the state, the result, and by how much all weights moved, divided by lr."""
    config = tiny_config(**settings)
    state = new_state(config, CPU)
    state.step = at
    before = flat(state.network.parameters())
    result = train_step(state.network, state, data.batch(0, config), config.train, lr, "fp32")
    return state, result, (before - flat(state.network.parameters())) / lr


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_is_cross_entropy_with_part_of_the_target_given_to_all_classes_alike(data, smoothing):
    """Szegedy et al. 2016, equation 7: q' = (1 - e) q + e / K."""
    config = tiny_config(train__label_smoothing=smoothing)
    state = new_state(config, CPU)
    with torch.no_grad():
        state.network.head.weight.mul_(50)  # so that classes differ
    images, targets, labels = data.batch(0, config)
    log_probabilities = state.network(images).detach().double().log_softmax(1)
    soft = (1 - smoothing) * F.one_hot(labels, 3) + smoothing / 3
    expected = -(soft * log_probabilities).sum(1).mean().item()
    result = train_step(state.network, state, (images, targets, labels), config.train, 0.01, "fp32")
    assert result.loss.item() == pytest.approx(expected, rel=1e-5)
    assert result.accuracy.item() == pytest.approx((log_probabilities.argmax(1) == labels).double().mean().item())
    assert (result.images, result.lr) == (16, 0.01)


def test_without_momentum_a_step_goes_against_the_gradient_by_the_learning_rate(data):
    config = tiny_config(train__grad_clip=0, **PLAIN_SGD)
    reference = new_state(config, CPU).network.train()
    images, targets, _ = data.batch(0, config)
    F.cross_entropy(reference(images), targets).backward()
    gradient = flat(parameter.grad for parameter in reference.parameters())
    state, result, moved = one_step(data, train__grad_clip=0, **PLAIN_SGD)
    torch.testing.assert_close(moved, gradient, atol=1e-6, rtol=0)  # float32 weights of about 0.1
    assert result.grad_norm.item() == pytest.approx(gradient.norm().item(), rel=1e-5)
    assert state.step == 1
    assert all(parameter.grad is None for parameter in state.network.parameters())


def test_a_longer_gradient_is_scaled_to_the_bound_and_a_shorter_one_left_alone(data):
    *_, result, whole = one_step(data, train__grad_clip=0, **PLAIN_SGD)
    norm = result.grad_norm.item()
    for bound in (norm / 10, 10 * norm):
        *_, result, moved = one_step(data, train__grad_clip=bound, **PLAIN_SGD)
        assert result.grad_norm.item() == pytest.approx(norm, rel=1e-5)  # reported as it was
        torch.testing.assert_close(moved, whole * min(1, bound / norm), atol=1e-6, rtol=0)


def test_clipping_bounds_the_norm_of_all_gradients_together():
    network = torch.nn.Linear(3, 2)
    network.weight.grad, network.bias.grad = torch.full((2, 3), 3.0), None
    assert clip_gradients(network, 0.5).item() == pytest.approx(54**0.5)
    assert network.weight.grad.norm().item() == pytest.approx(0.5, rel=1e-4)  # torch adds 1e-6 to the norm


@pytest.mark.parametrize("rate", ["patch_drop_rate", "drop_rate", "attn_drop_rate", "drop_path_rate"])
def test_what_is_dropped_depends_on_seed_and_step_and_on_nothing_drawn_before(data, rate):
    def gradient(at, seed=0):
        config = tiny_config(train__seed=seed, **{f"model__{rate}": 0.5})
        state = new_state(tiny_config(**{f"model__{rate}": 0.5}), CPU)
        state.step = at
        torch.manual_seed(at + 77)
        return train_step(
            state.network, state, data.batch(0, tiny_config()), config.train, 0.1, "fp32"
        ).grad_norm.item()

    assert gradient(3) == gradient(3)
    assert len({gradient(3), gradient(4), gradient(3, seed=1)}) == 3


def test_dropping_acts_in_a_step_even_after_an_evaluation(data):
    config = tiny_config(model__drop_rate=0.5)
    state = new_state(config, CPU)
    state.network.eval()
    train_step(state.network, state, data.batch(0, config), config.train, 0.1, "fp32")
    assert state.network.training


def test_averaged_weights_follow_by_one_minus_the_decay(data):
    fresh = new_state(tiny_config(), CPU).network.state_dict()
    state, *_ = one_step(data, train__ema_decay=0.9)
    for name, tensor in state.network.state_dict().items():
        torch.testing.assert_close(state.ema[name], 0.9 * fresh[name] + 0.1 * tensor)
        assert torch.equal(state.evaluation_network().state_dict()[name], state.ema[name])
    assert one_step(data)[0].ema is None


def test_validation_is_not_training_time(home, data, monkeypatch):
    def slow(*arguments):
        time.sleep(0.2)
        return evaluate(*arguments)

    evaluate = loop.evaluate
    monkeypatch.setattr(loop, "evaluate", slow)
    start = time.perf_counter()
    _, state, *_ = run_training(tiny_config(train__steps=4, train__eval_every=1), data, "one")
    assert state.seconds < time.perf_counter() - start - 4 * 0.2


def test_metrics_between_two_reports_are_means_of_all_their_steps():
    results = [loop.StepResult(*torch.tensor([loss, 0.25 * loss, 7 * loss]), 16, 0.1 * loss) for loss in (1.0, 3.0)]
    meter, state = loop.Meter(results, since=time.perf_counter() - 2), new_state(tiny_config(), CPU)
    assert meter.is_due()
    row = meter.take(state)
    assert (row["train_loss"], row["train_accuracy"], row["grad_norm"]) == (2.0, 0.5, 21.0)
    assert row["lr"] == pytest.approx(0.3)
    assert 2 <= state.seconds < 3
    assert row["images_per_second"] == pytest.approx(32 / state.seconds)
    assert meter.results == []
    assert not meter.is_due()


@pytest.mark.parametrize(("command", "outcome"), [("stop", "stopped"), ("save", "finished")])
def test_a_command_is_obeyed_between_two_steps_and_leaves_a_checkpoint(home, data, monkeypatch, command, outcome):
    commands = {2: command}
    monkeypatch.setattr(Recorder, "take_command", lambda self, state, words: commands.pop(state.step, None))
    run, state, ended, _ = run_training(tiny_config(train__steps=3, train__eval_every=3), data, "one")
    assert (ended, state.step) == (outcome, 3 if command == "save" else 2)
    assert [saved.step for saved in run.saved()][0] == 2


def test_a_checkpoint_is_saved_when_its_time_has_come(home, data, monkeypatch):
    due = iter([False, True, False, False])
    monkeypatch.setattr(Recorder, "save_is_due", lambda self: next(due))
    run, *_ = run_training(tiny_config(train__steps=4, train__eval_every=4), data, "one")
    assert [saved.step for saved in run.saved()] == [2, 4]


def test_the_series_begins_with_the_untrained_weights_and_only_once(home, data):
    config = tiny_config(train__steps=4, train__eval_every=2)
    run, *_ = run_training(config, data, "one", stop_at=2)
    assert [saved.step for saved in run.series()] == [0, 2]
    run_training(config, data, "one")
    assert [saved.step for saved in run.series()] == [0, 2, 4]
    untrained = checkpoint.load(run.checkpoint_path("0"))[0]
    fresh = new_state(config, CPU).network.state_dict()
    assert all(torch.allclose(untrained[f"model.{name}"].float(), fresh[name], atol=1e-3) for name in fresh)


@pytest.mark.parametrize("count", [1, 500, 1001])
def test_images_are_evaluated_in_batches_and_keep_their_order(data, count):
    config = tiny_config()
    network = new_state(config, CPU).network
    images = data.val.images[torch.arange(count) % len(data.val.images)]
    mean, std = (value.view(3, 1, 1) for value in (data.mean, data.std))
    with torch.no_grad():
        expected = network.eval()((images / 255 - mean) / std)
    torch.testing.assert_close(predict_logits(network, images, data.mean, data.std), expected)


def test_an_evaluation_is_the_mean_over_its_images(data):
    network = new_state(tiny_config(), CPU).network
    with torch.no_grad():
        network.head.weight.mul_(50)
    found = loop.evaluate(network, data.val.images, data.val.labels, data.mean, data.std, "fp32")
    logits = predict_logits(network, data.val.images, data.mean, data.std)
    assert found.loss == pytest.approx(F.cross_entropy(logits, data.val.labels).item())
    assert found.accuracy == pytest.approx((logits.argmax(1) == data.val.labels).double().mean().item())
    assert dataclasses.asdict(found)["images"] == len(data.val.labels)
