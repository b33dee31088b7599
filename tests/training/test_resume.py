"""A run that was stopped anywhere and resumed ends with the same bits as one that never stopped."""

import itertools
import random

import pytest
import torch

from tests.training.conftest import CPU, EVERYTHING, run_training, tiny_config
from vit import checkpoint
from vit.runs.metrics import read_metrics
from vit.training.state import new_state


def bits(run) -> dict[str, torch.Tensor]:
    return checkpoint.load(run.checkpoint_path("last"))[0]


def same(first: dict, second: dict) -> bool:
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)


LAYERS = {"init.layer_decay": 0.7, "init.frozen_blocks": 1}
RESNET = {"model.stem": "resnet-deep", "model.patch_size": 4}


@pytest.mark.parametrize(
    ("optimizer", "more"),
    [("adamw", {}), ("sgd", {}), ("muon", {}), ("adamw", LAYERS), ("muon", LAYERS), ("muon", RESNET)],
)
def test_stopping_at_random_steps_changes_nothing(home, data, optimizer, more):
    settings = EVERYTHING | more
    config = tiny_config(train__optimizer=optimizer, **{k.replace(".", "__"): v for k, v in settings.items()})
    whole, *_ = run_training(config, data, "whole")
    stops = sorted(random.Random(optimizer).sample(range(1, 12), 3))
    for stop in stops:
        broken, _, outcome, _ = run_training(config, data, "broken", stop_at=stop)
        assert outcome == "stopped"
    broken, _, outcome, _ = run_training(config, data, "broken")
    assert outcome == "finished"
    assert same(bits(whole), bits(broken))


def test_the_comparison_can_fail_without_the_optimizers_memory(home, data):
    """Negative control: resuming the weights alone must not give the same bits."""
    config = tiny_config()
    whole, *_ = run_training(config, data, "whole")
    broken, session, *_ = run_training(config, data, "broken", stop_at=5)
    tensors, info = checkpoint.load(broken.checkpoint_path("last"))
    forgetful = {name: tensor * (not name.startswith("optimizer")) for name, tensor in tensors.items()}
    checkpoint.save(broken.checkpoint_path("last"), forgetful, info)
    broken, *_ = run_training(config, data, "broken")
    assert not same(bits(whole), bits(broken))


def test_another_seed_gives_other_bits(home, data):
    one, *_ = run_training(tiny_config(), data, "one")
    two, *_ = run_training(tiny_config(train__seed=1), data, "two")
    assert not torch.equal(bits(one)["model.head.weight"], bits(two)["model.head.weight"])


def test_a_damaged_newest_checkpoint_is_passed_over_and_the_result_is_the_same(home, data):
    config = tiny_config()
    whole, *_ = run_training(config, data, "whole")
    broken, *_ = run_training(config, data, "broken", stop_at=9)
    newest = broken.checkpoint_path("last")
    content = bytearray(newest.read_bytes())
    content[-100] ^= 1
    newest.write_bytes(content)
    broken, *_ = run_training(config, data, "broken")
    assert same(bits(whole), bits(broken))
    assert "damaged" in broken.events_path.read_text()


def test_the_curve_of_a_resumed_run_has_every_validation_once(home, data):
    config = tiny_config()
    run_training(config, data, "broken", stop_at=5)
    run, *_ = run_training(config, data, "broken")
    assert [row["step"] for row in read_metrics(run) if "val_loss" in row] == [4, 8, 12]


def test_last_previous_and_best_checkpoints_are_kept(home, data):
    run, *_ = run_training(tiny_config(train__steps=40, train__eval_every=2), data, "one")
    kept = [saved.step for saved in run.saved()]
    assert {38, 40, run.best().step} == set(kept)
    assert len(list(run.checkpoints_path.glob("*.safetensors"))) == len(kept)


def test_a_series_from_the_untrained_start_to_the_end_is_kept(home, data):
    config = tiny_config(train__steps=100, train__eval_every=2, train__ema_decay=0.9)
    run_training(config, data, "one", stop_at=37)
    run, session, *_ = run_training(config, data, "one")
    steps = [saved.step for saved in run.series()]
    assert steps[0] == 0
    assert steps[-1] == 100
    assert 15 <= len(steps) <= 22
    assert all(later - earlier <= 6 for earlier, later in itertools.pairwise(steps))
    images = data.val.images[:5].float()
    first, last = (checkpoint.load_with_info(f"one@{step}")[0](images) for step in (0, 100))
    assert torch.allclose(last, session.evaluation_network()(images), atol=0.02, rtol=0.01)
    assert not torch.allclose(first, last, atol=0.1, rtol=0.1)
    small = run.checkpoint_path("0").stat().st_size
    assert small < run.checkpoint_path("last").stat().st_size / 3


def validated(*results: tuple[float, float]):
    """A state that has seen validations of (loss, accuracy)."""
    state = new_state(tiny_config(), CPU)
    for loss, accuracy in results:
        state.validated(loss, accuracy, is_planned=True)
    return state


def test_the_same_accuracy_with_a_lower_loss_is_better_and_with_the_same_or_a_higher_one_is_not():
    assert validated((0.9, 0.5), (0.8, 0.5)).stale == 0
    assert validated((0.9, 0.5), (0.9, 0.5)).stale == 1
    assert validated((0.9, 0.5), (1.0, 0.5)).stale == 1
    assert validated((0.9, 0.5), (0.1, 0.4)).stale == 1
    assert validated((0.9, 0.5), (1.5, 0.6), (1.4, 0.6), (0.9, 0.6)).stale == 0


def test_what_was_best_survives_a_checkpoint_and_one_from_before_losses_were_kept_can_be_read():
    state, again = validated((0.9, 0.5)), new_state(tiny_config(), CPU)
    again.restore_figures(4, state.figures())
    assert (again.best_val_accuracy, again.best_val_loss) == (0.5, 0.9)
    older = {name: value for name, value in state.figures().items() if name != "best_val_loss"}
    again.restore_figures(4, older)
    again.validated(0.1, 0.5, is_planned=True)
    assert again.stale == 1  # nobody knows whether its loss was higher
