"""The training loop and its verbs."""

import math
import time
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vit.config import RunConfig, TrainConfig
from vit.errors import VitError
from vit.training import team
from vit.training.batches import RunData
from vit.training.evaluate import autocast, evaluate_together
from vit.training.plan import Plan
from vit.training.recorder import Recorder
from vit.training.schedule import lr_at
from vit.training.session import Session

REPORT_SECONDS = 1.0


class DivergedError(VitError):
    """The loss or a gradient stopped being a number."""


def train(session: Session, data: RunData, config: RunConfig, plan: Plan, recorder: Recorder) -> str:
    """Train until the plan is done or a command ends it.

    Returns:
        ``finished``, ``stopped`` or ``paused``.

    Raises:
        DivergedError: If the loss or the gradient is not finite; nothing is saved from there on.
    """
    forward = trainable(session, config.train)
    if session.step == 0:
        recorder.frame(session)
    meter = Meter()
    while session.step < plan.total_steps:
        batch, lr = data.batch(session.step, config), learning_rate(session.step, config, plan)
        meter.add(train_step(forward, session, batch, config.train, lr, plan.precision))
        command = team.agree_on_word(recorder.take_command())
        is_eval_step, save_is_due = plan.is_eval_step(session.step), recorder.save_is_due()
        if is_eval_step or save_is_due or command or meter.is_due():
            report(session, meter, recorder)
        if is_eval_step:
            validate(session, data, plan, recorder)
            meter.resume()
        elif save_is_due:
            recorder.save(session)
        if command:
            recorder.save_or_raise(session)
            recorder.event("saved", f"Saved a checkpoint at step {session.step:,}.", session)
        if command in ENDS:
            return ENDS[command]
    recorder.save_or_raise(session)
    return "finished"


def trainable(session: Session, config: TrainConfig) -> nn.Module:
    """The network as its steps call it: with gradients averaged over the team, and compiled if asked for."""
    network = team.wrap(session.network)
    return torch.compile(network) if config.compile else network


ENDS = {"stop": "stopped", "pause": "paused"}


@dataclass
class StepResult:
    """What one update was like; tensors, so that a GPU need not wait."""

    loss: Tensor
    accuracy: Tensor
    grad_norm: Tensor
    images: int
    lr: float


def train_step(
    forward, session: Session, batch: tuple[Tensor, Tensor, Tensor], config: TrainConfig, lr: float, precision: str
) -> StepResult:
    """One update: forward, loss, backward, clip, step.

    Args:
        forward: What ``trainable`` made of the session's network.
        session: What is updated.
        batch: This process's share: images (B, C, H, W), targets (B, K) or (B,), labels (B,).
        config: Label smoothing, clipping, averaging.
        lr: Learning rate of this step.
        precision: fp32 or bf16.
    """
    images, targets, labels = batch
    session.network.train()
    torch.manual_seed((config.seed * 1_000_003 + session.step) * team.size() + team.rank())  # for dropout
    with autocast(images.device.type, precision):
        logits = forward(images)
        loss = F.cross_entropy(logits, targets, label_smoothing=config.label_smoothing)
    loss.backward()
    accuracy = (logits.detach().argmax(1) == labels).float().mean()
    loss, accuracy = team.mean(torch.stack([loss.detach(), accuracy]), len(labels))
    grad_norm = clip_gradients(session, config.grad_clip)
    update(session, lr, config.ema_decay)
    return StepResult(loss, accuracy, grad_norm, len(labels) * team.size(), lr)


def learning_rate(step: int, config: RunConfig, plan: Plan) -> float:
    """The learning rate of a step of this run."""
    lengths = {"total_steps": plan.total_steps, "warmup_steps": plan.warmup_steps}
    return lr_at(step, peak=config.train.lr, schedule=config.train.schedule, **lengths)


def update(session: Session, lr: float, ema_decay: float) -> None:
    """Let every optimizer use its gradients, and forget them."""
    for optimizer in session.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.step()
        optimizer.zero_grad()
    session.step += 1
    if session.ema is not None:
        session.average_weights(ema_decay)


def clip_gradients(session: Session, most: float) -> Tensor:
    """Scale the gradient down to norm ``most`` if it is longer (0: leave it); returns the norm before."""
    parameters = [parameter for parameter in session.network.parameters() if parameter.grad is not None]
    return torch.nn.utils.clip_grad_norm_(parameters, most or float("inf"), foreach=True)


def report(session: Session, meter: "Meter", recorder: Recorder) -> None:
    """Write down how the last steps went; only here the loop waits for a GPU.

    Raises:
        DivergedError: If that is no number; the others of a team leave it to rank 0, which writes, to find out.
    """
    row = meter.take(session)
    if team.rank() == 0:
        check_finite(row, session.step)
    recorder.training(session, row)


def check_finite(row: dict, step: int) -> None:
    """Stop before spoilt weights are judged or saved.

    Raises:
        DivergedError: Naming the metric and the step.
    """
    for name in ("train_loss", "grad_norm"):
        if not math.isfinite(row[name]):
            raise DivergedError(
                f"{name} had become {row[name]} by step {step}; the last checkpoint is from before that. "
                "Try a learning rate ten times smaller, a longer warm-up or gradient clipping"
            )


def validate(session: Session, data: RunData, plan: Plan, recorder: Recorder) -> None:
    """Judge the model on val, look at the pinned pictures, and save."""
    recorder.status("evaluating", session)
    network = session.evaluation_network()
    figures = evaluate_together(network, data.val.images, data.val.labels, data.mean, data.std, plan.precision)
    session.val = {"val_loss": figures["loss"], "val_accuracy": figures["accuracy"]}
    recorder.validation(session, network, data)
    recorder.save(session)
    recorder.frame(session)
    recorder.status("training", session)


@dataclass
class Meter:
    """Averages what happened since the last report, and the time it took without evaluations."""

    results: list[StepResult] = field(default_factory=list)
    since: float = field(default_factory=time.perf_counter)

    def add(self, result: StepResult) -> None:
        self.results.append(result)

    def is_due(self) -> bool:
        return time.perf_counter() - self.since >= REPORT_SECONDS

    def resume(self) -> None:
        """What happened since the last report wasn't training."""
        self.since = time.perf_counter()

    def take(self, session: Session) -> dict:
        """The averages as a row of metrics; starts anew. A GPU has done its work before the clock is read."""
        row = {
            "train_loss": torch.stack([result.loss for result in self.results]).mean().item(),
            "train_accuracy": torch.stack([result.accuracy for result in self.results]).mean().item(),
            "grad_norm": self.results[-1].grad_norm.item(),
            "lr": self.results[-1].lr,
        }
        seconds = time.perf_counter() - self.since
        session.seconds += seconds
        row["images_per_second"] = sum(result.images for result in self.results) / seconds
        self.results = []
        self.resume()
        return row
