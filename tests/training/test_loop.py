"""The loop learns, stops where it should, and says what went wrong."""

import errno
import math
import shutil
import threading
import time

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.training.conftest import CPU, EVERYTHING, run_training, tiny_config, weights
from vit import checkpoint
from vit.errors import RunError
from vit.runs import commands
from vit.runs.commands import Command
from vit.runs.directory import Run, read_lines
from vit.runs.metrics import curve, read_metrics
from vit.training import recorder
from vit.training.batches import prepare
from vit.training.loop import DivergedError, evaluate, predict_logits, train_step
from vit.training.state import new_state


@pytest.mark.parametrize(("optimizer", "lr"), [("adamw", 0.01), ("muon", 0.03)])
def test_the_loop_learns_the_stripes(home, data, optimizer, lr):
    config = tiny_config(
        train__steps=150, train__optimizer=optimizer, train__lr=lr, train__eval_every=150, augment__crop_padding=0
    )
    _, session, outcome, _ = run_training(config, data, optimizer)
    figures = evaluate(session.network, data.test.images, data.test.labels, data.mean, data.std, "fp32")
    assert outcome == "finished"
    assert figures.accuracy > 0.9


def test_the_first_loss_is_that_of_a_model_that_knows_nothing(home, data):
    run, *_ = run_training(tiny_config(train__steps=1, train__label_smoothing=0.0), data, "one")
    losses = curve(read_metrics(run), "val_loss")[1]
    assert losses[0] == pytest.approx(math.log(3), abs=0.1)


def test_a_loss_that_is_not_a_number_stops_the_run_before_spoilt_weights_are_judged_or_saved(home, data):
    config = tiny_config(train__lr=10, train__grad_clip=0, train__optimizer="sgd", train__steps=200, train__warmup=0)
    with pytest.raises(DivergedError, match=r"had become (nan|inf) by step \d+"):
        run_training(config, data, "one")
    run = Run.find("one")
    assert all(math.isfinite(value) for row in read_metrics(run) for value in row.values())
    assert all(tensor.isfinite().all() for tensor in weights(run).values())


def test_a_step_reads_no_number_back_so_that_a_gpu_need_not_wait(data):
    class Readings(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            self.count += function is torch.ops.aten._local_scalar_dense.default
            return function(*args, **(kwargs or {}))

    config = tiny_config(train__optimizer="muon", **{name.replace(".", "__"): EVERYTHING[name] for name in EVERYTHING})
    session = new_state(config, CPU)
    with Readings() as readings:
        result = train_step(session.network, session, data.batch(0, config), config.train, 1e-3, "fp32")
        assert readings.count == 0
        result.loss.item()
        assert readings.count == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_step_never_waits_for_its_gpu(dataset):
    config, device = tiny_config(train__optimizer="muon"), torch.device("cuda")
    data, session = prepare(dataset, config, device), new_state(config, device)
    for mode in ("default", "error"):  # the first step initializes, and may wait
        torch.cuda.set_sync_debug_mode(mode)
        train_step(session.network, session, data.batch(session.step, config), config.train, 1e-3, "bf16")
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("stem", ["patch", "resnet"])
def test_training_only_the_head_leaves_the_encoder_alone(home, data, stem):
    from vit.model import VisionTransformer

    config = tiny_config(init__trainable="head", model__stem=stem, model__patch_size=4)
    torch.manual_seed(config.train.seed)
    fresh = VisionTransformer(config.model).state_dict()
    _, session, *_ = run_training(config, data, "one")
    changed = {name for name, tensor in session.network.state_dict().items() if not torch.equal(tensor, fresh[name])}
    assert changed == {"head.weight", "head.bias"}


@pytest.mark.parametrize(("frozen", "still"), [(1, ("blocks.0.",)), (2, ("blocks.0.", "blocks.1.", "norm."))])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_frozen_blocks_and_what_comes_before_them_stay_as_they_are(home, data, frozen, still, optimizer):
    from vit.model import VisionTransformer

    config = tiny_config(init__frozen_blocks=frozen, model__pool="cls", train__optimizer=optimizer, train__steps=4)
    torch.manual_seed(config.train.seed)
    fresh = VisionTransformer(config.model).state_dict()
    _, session, *_ = run_training(config, data, "one")
    kept = {name for name, tensor in session.network.state_dict().items() if torch.equal(tensor, fresh[name])}
    assert kept == {name for name in fresh if name.startswith(("patch_embed.", "cls_token", "pos_embed", *still))}


def test_metrics_carry_what_the_charts_draw(home, data):
    run, *_ = run_training(tiny_config(), data, "one")
    validations = [row for row in read_metrics(run) if "val_loss" in row]
    assert [row["step"] for row in validations] == [4, 8, 12]
    assert all({"epoch", "time", "images", "val_accuracy"} <= row.keys() for row in validations)
    pinned = read_lines(run.tracked_path)
    assert [row["step"] for row in pinned] == [4, 8, 12]
    assert sum(pinned[-1]["probabilities"][0]) == pytest.approx(1, abs=1e-3)
    assert len(pinned[-1]["attention"][0]) == 16


def test_evaluation_leaves_mode_gradients_and_random_state_alone(home, data):
    _, session, *_ = run_training(tiny_config(), data, "one")
    session.network.train()
    before = torch.get_rng_state()
    predict_logits(session.network, data.val.images, data.mean, data.std)
    assert session.network.training
    assert torch.equal(before, torch.get_rng_state())


@pytest.fixture
def full_disk(monkeypatch):
    """Let the disk refuse the checkpoints of a step, so often; each try comes at once."""

    def refuse(step: int, times: int) -> None:
        refused = []

        def save(path, *rest):
            if path.name == f"step-{step}.safetensors" and len(refused) < times:
                refused.append(path)
                raise OSError(errno.ENOSPC, "No space left on device")
            return really_save(path, *rest)

        monkeypatch.setattr(checkpoint, "save", save)

    really_save = checkpoint.save
    monkeypatch.setattr(recorder, "DISK_RETRY_SECONDS", 0.02)
    monkeypatch.setattr(recorder, "WAIT_SECONDS", 0.01)
    return refuse


def warnings_of(run: Run) -> list[str]:
    return [event["text"] for event in read_lines(run.events_path) if event["kind"] == "warning"]


def test_a_full_disk_costs_one_checkpoint_and_not_the_run(home, data, full_disk):
    full_disk(4, times=2)  # the small copy and the checkpoint
    run, _, outcome, _ = run_training(tiny_config(), data, "one")
    assert outcome == "finished"
    assert [saved.step for saved in run.saved()] == [8, 12]
    assert len(warnings_of(run)) == 1
    assert "step 4 could not be saved: No space left on device" in warnings_of(run)[0]


def test_the_end_of_a_run_waits_until_a_full_disk_has_room(home, data, full_disk):
    full_disk(12, times=5)
    run, _, outcome, _ = run_training(tiny_config(), data, "one")
    assert outcome == "finished"
    assert run.saved()[-1].step == 12
    assert len(warnings_of(run)) == 4


def test_a_stop_ends_the_waiting_and_the_earlier_checkpoint_is_kept(home, data, full_disk):
    run, *_ = run_training(tiny_config(), data, "one", stop_at=5)
    full_disk(12, times=10**6)

    def stop():
        while not warnings_of(run):
            time.sleep(0.01)
        commands.leave(run, Command(word="stop"))

    threading.Thread(target=stop).start()
    with pytest.raises(RunError, match="step 12 could not be saved; resuming goes on"):
        run_training(tiny_config(), data, "one")
    assert run.saved()[-1].step == 8


def test_save_now_on_a_full_disk_does_not_end_the_training(home, data, full_disk):
    full_disk(3, times=10**6)
    run, _, outcome, _ = run_training(tiny_config(), data, "one", save_at=3)
    assert outcome == "finished"
    assert [event["kind"] for event in read_lines(run.events_path)].count("saved") == 0


def test_a_checkpoint_saved_between_two_validations_has_no_accuracy(home, data):
    """The accuracy of the validation before it belongs to other weights."""
    run, *_ = run_training(tiny_config(), data, "one", stop_at=6)
    assert [(saved.step, saved.val_accuracy is None) for saved in run.saved()] == [(4, False), (6, True)]
    assert run.best().step == 4


def test_a_run_whose_lock_is_deleted_stops_with_all_its_work_on_disk(home, data, monkeypatch):
    """Without the file another worker could start beside it."""
    monkeypatch.setattr(recorder.Recorder, "training", lambda self, state, row: self.run.lock_path.unlink(True))
    config = tiny_config(train__steps=100_000, train__eval_every=90_000)
    run, state, outcome, _ = run_training(config, data, "one")
    assert outcome == "stopped"
    assert run.saved()[-1].step == state.step
    assert "lock" in warnings_of(run)[0]


def test_a_run_whose_folder_is_deleted_ends_by_itself(home, data, monkeypatch):
    from vit.training.recorder import Recorder

    def delete(self, session, row):
        shutil.rmtree(self.run.path)

    monkeypatch.setattr(Recorder, "training", delete)
    with pytest.raises(RunError, match="is gone"):
        run_training(tiny_config(train__steps=100_000, train__eval_every=90_000), data, "one")
