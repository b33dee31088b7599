"""The training loop and its verbs."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vit.config import TrainConfig
from vit.data.augment import normalize
from vit.errors import VitError
from vit.runs.changes import Course
from vit.runs.commands import LASTING, WORDS, Word
from vit.runs.plan import Plan
from vit.text import counted
from vit.training import distributed
from vit.training.batches import RunData
from vit.training.device import autocast
from vit.training.optimizers import set_rates
from vit.training.recorder import Recorder
from vit.training.state import TrainState

REPORT_SECONDS = 1.0
EVAL_BATCH_SIZE = 500
WAIT_SECONDS = 0.2  # between two looks for a command while a run is paused
NO_WORD = -1


class DivergedError(VitError):
    """The loss or a gradient is not a finite number."""


def fit(state: TrainState, data: RunData, course: Course, recorder: Recorder) -> str:
    """Train until the last step, until nothing gets better any more, or until a command ends it.

    Returns:
        ``finished`` or ``stopped``.

    Raises:
        DivergedError: If the loss or the gradient is not finite; nothing is saved from there on.
    """
    forward = trainable(state, course.at(state.step)[0].train)
    if state.step == 0:
        recorder.snapshot(state)
    meter, outcome = Meter(), None
    while outcome is None:
        is_done = is_over(state, course)
        if word := next_word(state, recorder, LASTING if is_done else WORDS):
            outcome = obey(word, state, data, course, meter, recorder)
        elif is_done:
            outcome = "finished"
        else:
            advance(forward, state, data, course, meter, recorder)
    if outcome == "finished" and state.step < course.at(state.step)[1].total_steps:
        recorder.event("ended_early", f"Nothing better in {counted(state.stale, 'validation')}.", state)
    recorder.save_before_the_end(state)
    return outcome


def advance(
    forward: Callable[[Tensor], Tensor],
    state: TrainState,
    data: RunData,
    course: Course,
    meter: "Meter",
    recorder: Recorder,
) -> None:
    """Make one step, and what is due after it: report, validate, save."""
    config, plan = course.at(state.step)
    batch = data.batch(state.step, config)
    lr = config.train.lr_at(state.step, plan.total_steps, plan.warmup_steps)
    recorder.before_step(state, plan)
    meter.results.append(train_step(forward, state, batch, config.train, lr, plan.precision))
    is_eval_step, save_is_due = plan.is_eval_step(state.step), recorder.save_is_due()
    if is_eval_step or save_is_due or meter.is_due():
        report(state, meter, recorder)
    if is_eval_step:
        validate(state, data, plan, recorder)
        meter.restart()
    elif save_is_due:
        recorder.save(state)


def is_over(state: TrainState, course: Course) -> bool:
    """Whether the last step is done, or the validations have not got better for as long as a person waits."""
    config, plan = course.at(state.step)
    if state.step >= plan.total_steps:
        return True
    if course.is_extended_at(state.step):
        state.stale = 0  # a person wants more of it
    return 0 < config.train.patience <= state.stale


# Commands


def next_word(state: TrainState, recorder: Recorder, words: Sequence[Word] = WORDS) -> Word | None:
    """The next of these commands that a person has given, the same in every process."""
    word = recorder.take_command(state, words)
    place = int(distributed.broadcast(WORDS.index(word) if word else NO_WORD))
    return None if place == NO_WORD else WORDS[place]


def obey(
    word: Word, state: TrainState, data: RunData, course: Course, meter: "Meter", recorder: Recorder
) -> str | None:
    """Follow a command.

    Returns:
        ``stopped`` if it ends the run.
    """
    if meter.results:
        report(state, meter, recorder)
    if word == "stop":
        return "stopped"
    if word == "pause":
        return pause(state, data, course, meter, recorder)
    if word in LASTING:
        course.reload()
    if word == "evaluate":
        validate(state, data, course.at(state.step)[1], recorder)
    if word == "save" and recorder.save(state):
        recorder.event("saved", f"Saved a checkpoint at step {state.step:,}.", state)
    meter.restart()
    return None


def pause(state: TrainState, data: RunData, course: Course, meter: "Meter", recorder: Recorder) -> str | None:
    """Wait in place until a person lets the run go on, or ends it; other commands are followed meanwhile."""
    recorder.save_before_the_end(state)
    recorder.event("paused", f"Paused at step {state.step:,}.", state)
    word = None
    while word != "continue":
        recorder.status("paused", state)
        while (word := next_word(state, recorder)) is None:
            time.sleep(WAIT_SECONDS)
        if word not in ("pause", "continue") and (outcome := obey(word, state, data, course, meter, recorder)):
            return outcome
    recorder.event("continued", f"Continued at step {state.step:,}.", state)
    recorder.status("training", state)
    meter.restart()
    return None


# Steps


def trainable(state: TrainState, config: TrainConfig) -> Callable[[Tensor], Tensor]:
    """The network as the loop calls it: gradients averaged over all processes, and compiled if asked for."""
    network = distributed.data_parallel(state.network)
    return torch.compile(network) if config.compile else network


@dataclass
class StepResult:
    """Metrics of one step, as tensors, so that a GPU need not wait."""

    loss: Tensor
    accuracy: Tensor
    grad_norm: Tensor
    images: int
    lr: float


def train_step(
    forward: Callable[[Tensor], Tensor],
    state: TrainState,
    batch: tuple[Tensor, Tensor, Tensor],
    config: TrainConfig,
    lr: float,
    precision: str,
) -> StepResult:
    """One step: forward, loss, backward, clip, update.

    Args:
        forward: The network of the state, as returned by ``trainable``.
        state: What is updated.
        batch: The shard of this process: images (B, C, H, W), targets (B, K) or (B,), labels (B,).
        config: Label smoothing, clipping, averaging.
        lr: Learning rate of this step.
        precision: ``fp32`` or ``bf16``.
    """
    images, targets, labels = batch
    state.network.train()
    torch.manual_seed((config.seed * 1_000_003 + state.step) * distributed.world_size() + distributed.rank())  # dropout
    with autocast(images.device.type, precision):
        logits = forward(images)
        loss = F.cross_entropy(logits, targets, label_smoothing=config.label_smoothing)
    loss.backward()
    accuracy = (logits.detach().argmax(1) == labels).float().mean()
    loss, accuracy = distributed.weighted_mean(torch.stack([loss.detach(), accuracy]), len(labels))
    distributed.average(running_statistics(state.network))
    grad_norm = clip_gradients(state.network, config.grad_clip)
    with autocast(images.device.type, precision):  # Muon multiplies matrices, too
        update(state, lr, config)
    return StepResult(loss, accuracy, grad_norm, len(labels) * distributed.world_size(), lr)


def running_statistics(network: nn.Module) -> list[Tensor]:
    """What batch norms remember; each process has them from its own part of the batch."""
    return [values for name, values in network.named_buffers() if ".running_" in name]


def clip_gradients(network: nn.Module, max_norm: float) -> Tensor:
    """Scale the gradient down to ``max_norm`` if it is longer (0: never); returns the norm before."""
    parameters = [parameter for parameter in network.parameters() if parameter.grad is not None]
    return torch.nn.utils.clip_grad_norm_(parameters, max_norm or float("inf"), foreach=True)


def update(state: TrainState, lr: float, config: TrainConfig) -> None:
    """One step of every optimizer with the gradients, which are cleared."""
    for optimizer in state.optimizers:
        set_rates(optimizer, lr, config.weight_decay)
        optimizer.step()
        optimizer.zero_grad()
    state.step += 1
    state.val = {}
    if state.ema is not None:
        state.average_weights(config.ema_decay)


@dataclass
class Meter:
    """Averages of the steps since the last report, and the time they took without validation."""

    results: list[StepResult] = field(default_factory=list)
    since: float = field(default_factory=time.perf_counter)

    def is_due(self) -> bool:
        return time.perf_counter() - self.since >= REPORT_SECONDS

    def restart(self) -> None:
        """Leave the time since the last report out: it was not training."""
        self.since = time.perf_counter()

    def take(self, state: TrainState) -> dict[str, float]:
        """The averages as a row of metrics; starts again. A GPU has done its work before the clock is read."""
        row = {
            "train_loss": torch.stack([result.loss for result in self.results]).mean().item(),
            "train_accuracy": torch.stack([result.accuracy for result in self.results]).mean().item(),
            "grad_norm": self.results[-1].grad_norm.item(),
            "lr": self.results[-1].lr,
        }
        seconds = time.perf_counter() - self.since
        state.seconds += seconds
        row["images_per_second"] = sum(result.images for result in self.results) / seconds
        self.results = []
        self.restart()
        return row


def report(state: TrainState, meter: Meter, recorder: Recorder) -> None:
    """Record the metrics of the last steps before weights are evaluated or saved; only here the loop waits for a GPU.

    Raises:
        DivergedError: If one is not finite; other ranks leave it to rank 0, which writes, to find out.
    """
    row = meter.take(state)
    for name in ("train_loss", "grad_norm"):
        if distributed.rank() == 0 and not math.isfinite(row[name]):
            raise DivergedError(
                f"{name} had become {row[name]} by step {state.step}; the last checkpoint is from before that. "
                "Try a learning rate ten times smaller, a longer warm-up or gradient clipping"
            )
    recorder.training(state, row)


def validate(state: TrainState, data: RunData, plan: Plan, recorder: Recorder) -> None:
    """Evaluate the model on the validation split, record the tracked images, and save."""
    recorder.status("evaluating", state)
    start, network = time.perf_counter(), state.evaluation_network()
    metrics = evaluate(network, data.val.images, data.val.labels, data.mean, data.std, plan.precision)
    evaluated = time.perf_counter()
    state.validated(metrics.loss, metrics.accuracy, is_planned=plan.is_eval_step(state.step))
    recorder.validation(state, network, data)
    recorder.snapshot(state)
    recorder.save(state)
    recorder.status("training", state)
    recorder.timed(evaluated - start, time.perf_counter() - evaluated)


@dataclass(frozen=True)
class Evaluation:
    """Mean cross-entropy and accuracy (0..1) over a number of images."""

    loss: float
    accuracy: float
    images: int


def evaluate(
    network: nn.Module, images: Tensor, labels: Tensor, mean: Tensor, std: Tensor, precision: str
) -> Evaluation:
    """Loss and accuracy over a split; each process evaluates its shard, if there is an image for each."""
    is_sharded = len(labels) >= distributed.world_size()
    own_images, own_labels = (distributed.shard(images), distributed.shard(labels)) if is_sharded else (images, labels)
    logits = predict_logits(network, own_images, mean, std, precision)
    own_labels = own_labels.to(logits.device)
    accuracy = (logits.argmax(1) == own_labels).sum().item() / len(own_labels)
    parts = torch.tensor([F.cross_entropy(logits, own_labels).item(), accuracy], dtype=torch.float64)
    loss, accuracy = distributed.weighted_mean(parts, len(own_labels)).tolist()
    return Evaluation(loss, accuracy, len(labels))


def predict_logits(network: nn.Module, images: Tensor, mean: Tensor, std: Tensor, precision: str = "fp32") -> Tensor:
    """Logits of uint8 images (n, C, H, W) in batches: (n, K) float32. The mode of the network stays as it was."""
    was_training, device = network.training, mean.device
    network.eval()
    with torch.inference_mode(), autocast(device.type, precision):
        batches = images.split(EVAL_BATCH_SIZE)
        logits = torch.cat([network(normalize(batch.to(device), mean, std)).float() for batch in batches])
    network.train(was_training)
    return logits
