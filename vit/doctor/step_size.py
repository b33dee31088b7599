"""Causes that lie in the steps: too large, too small, or not where they should be."""

import itertools
import math
import statistics

from vit.doctor.case import GOOD, HALFWAY, LATE, LOW_UPDATE, Case
from vit.doctor.findings import Evidence, Finding, Remedy, Settings
from vit.text import counted, percent

WORSE = 1.5  # loss on train images, in losses of a guess
HIGH_UPDATE = 0.15  # of the weights' length, in one step
SHORT_WAY = 0.5  # of the weights' length, in all steps of the run together
SETBACK = 0.03  # of the val loss, from one validation to the next
SMALL_BATCH, DEEP, SHORT_WARMUP = 8, 8, 0.01
CLIPPED = 100  # how much longer gradients are than the limit
STRONG_DECAY, SHRUNK = 0.2, 0.75
FRESH = 0.02  # size of a weight at the start, of ``vit.model.init_weights``


def diverged(case: Case) -> Finding | None:
    """The loss stopped being a number, or became worse than a guess for the very images it is trained on."""
    if case.failure == "DivergedError":
        return _too_large(case, "the loss stopped being a finite number", "diverged", "Training diverged")
    loss = case.latest("clean_train_loss", 2)
    guess = max(case.chance_loss, math.log(case.config.model.num_classes))
    if loss is None or len(case.values("clean_train_loss")) < 2 or loss < WORSE * guess:
        return None
    sees = f"the loss on train images is {loss:.2f}, and a guess would have {guess:.2f}"
    return _too_large(case, sees, "diverged", "Training diverged")


def unstable(case: Case) -> Finding | None:
    """Updates that replace the weights rather than improve them, and little learning."""
    norms = case.values("weight_norm") or [1.0]
    growth, is_high = norms[-1] / (norms[0] or 1.0), case.lr > 3 * case.usual_lr
    if not case.is_failing or not (is_high or (case.peak_update or 0) >= HIGH_UPDATE):
        return None
    sees = f"one update changed weights by up to {percent(case.peak_update, 0)} of their size, in all they grew to "
    sees += f"{growth:.1f} times that size, and {case.outcome}"
    return _too_large(case, sees, "lr-too-high", "The learning rate is too high")


def _too_large(case: Case, sees: str, name: str, title: str) -> Finding:
    """Steps are too large for a reason that the settings tell."""
    train = case.config.train
    means = "Each step overshoots what it aims at, so the model forgets faster than it learns."
    settings: Settings = {"train.lr": case.lower_lr}
    words, start = f"Use a learning rate of {case.lower_lr:g}.", "best" if case.has_learned else "new"
    if train.batch_size <= SMALL_BATCH:
        name, title = "tiny-batch", "The batch is too small for this learning rate"
        means = f"A gradient of {counted(train.batch_size, 'image')} is mostly noise, and large steps follow the noise."
        words, start = f"Use a batch of 64 images and a learning rate of {case.lower_lr:g}.", "new"
        settings["train.batch_size"] = 64
    elif case.lr > 3 * case.usual_lr:
        name = "lr-too-high"
    elif lacks_warmup(case):
        return no_warmup(case, sees)
    evidence = Evidence(("update_ratio",), HIGH_UPDATE, "too large")
    if len(case.values("update_ratio")) < 2:
        evidence = Evidence(("train_loss", "val_loss"), case.chance_loss, "a guess")
    sees = f"{sees[0].upper()}{sees[1:]}, with a learning rate of {case.lr:g} and batches of {train.batch_size}."
    return Finding(name, "problem", title, sees, means, evidence, Remedy(words, settings, start))


def lacks_warmup(case: Case) -> bool:
    return case.config.model.depth >= DEEP and case.plan.warmup_steps <= SHORT_WARMUP * case.plan.total_steps


def no_warmup(case: Case, sees: str) -> Finding:
    return Finding(
        "no-warmup",
        "problem",
        "A deep model began without a warm-up",
        f"{sees[0].upper()}{sees[1:]}, with {case.config.model.depth} blocks and "
        f"{counted(case.plan.warmup_steps, 'step')} of warm-up.",
        "The first gradients of a deep model point anywhere, and full steps along them spoil its weights.",
        Evidence(("train_loss", "val_loss"), case.chance_loss, "a guess"),
        Remedy("Let the learning rate rise over the first tenth of the run.", {"train.warmup": 0.1}),
    )


def failing_without_warmup(case: Case) -> Finding | None:
    """A deep model that began at full speed, was thrown back by it, or hasn't caught up with a linear model."""
    if not lacks_warmup(case) or case.progress < LATE or len(case.values("val_accuracy")) < 5:
        return None
    losses, linear = case.values("val_loss"), case.latest("linear_accuracy") or 0.0
    early = losses[: max(2, round(len(losses) * LATE / case.progress))]
    setback = max((after / before - 1 for before, after in itertools.pairwise(early) if before > 0), default=0.0)
    is_behind = case.progress >= HALFWAY and case.best_accuracy < linear
    if not (case.is_stuck or setback >= SETBACK or is_behind):
        return None
    thrown_back = f"the val loss once rose by {percent(setback)}, and " if setback >= SETBACK else ""
    return no_warmup(case, f"{thrown_back}{case.outcome}")


def strangled(case: Case) -> Finding | None:
    """Nearly all of every gradient is cut off."""
    clip, norms = case.config.train.grad_clip, case.values("grad_norm")
    if not clip or len(norms) < 5 or len(case.values("val_accuracy")) < 2:
        return None
    ratio = statistics.median(norms) / clip
    if ratio < CLIPPED or min(norms[len(norms) // 2 :]) < clip:
        return None
    is_sgd = case.config.train.optimizer == "sgd"
    effect = "so all gradients count alike, small ones as much as large ones"
    if is_sgd:
        effect = f"so steps are {ratio:,.0f} times smaller than the learning rate says"
    return Finding(
        "clipped",
        "problem" if is_sgd or case.is_stuck else "hint",
        "Clipping leaves nearly nothing of the gradient",
        f"Gradients have a norm of about {statistics.median(norms):.2g} and are cut to {clip:g}.",
        f"Clipping is for rare outliers; here it cuts every gradient, {effect}.",
        Evidence(("grad_norm",), clip, "clipped to"),
        Remedy("Clip at a norm of 1.", {"train.grad_clip": 1.0}, case.start_over),
    )


def head_untrained(case: Case) -> Finding | None:
    """The last layer does not move at all."""
    ratios = case.values("head_update_ratio")
    if len(ratios) < 2 or any(ratios[-3:]) or not case.latest("lr"):
        return None
    return Finding(
        "head-untrained",
        "problem",
        "The last layer is not trained",
        f"In {counted(len(ratios), 'measurement')} no update changed the weights of the head; {case.outcome}.",
        "The head turns features into classes; without training it, whatever the encoder learns can't be said.",
        Evidence(("update_ratio", "head_update_ratio")),
        Remedy("Start a new run whose head is trained: it must not be frozen, nor zero while the encoder is frozen."),
    )


def lr_too_low(case: Case) -> Finding | None:
    """All updates of the run together are shorter than the weights: it can't get away from where it began."""
    ratios = case.values("update_ratio")
    is_early = len(ratios) < 2 or case.progress < LATE or case.plan.total_steps < 100
    if is_early or case.config.init.checkpoint or case.best_accuracy >= GOOD:
        return None
    way = statistics.fmean(ratios) * case.plan.total_steps
    if max(ratios) >= LOW_UPDATE or way >= SHORT_WAY or case.lr > case.usual_lr / 3:
        return None
    remedy = Remedy(f"Use a learning rate of {case.usual_lr:g}.", {"train.lr": case.usual_lr}, case.start_over)
    return Finding(
        "lr-too-low",
        "problem",
        "The learning rate is too low",
        f"An update changes weights by {max(ratios):.2%} of their size at most, all {case.plan.total_steps:,} steps "
        f"together by about {percent(way, 0)}; {case.outcome}.",
        "The model hardly gets away from its random start in the steps that it has.",
        Evidence(("update_ratio",), LOW_UPDATE, "too small"),
        remedy,
    )


def decayed(case: Case) -> Finding | None:
    """Weights that shrink below their random start."""
    decay, norms = case.config.train.weight_decay, case.values("weight_norm")
    if decay < STRONG_DECAY or len(norms) < 3 or case.best_accuracy >= GOOD:
        return None
    start = norms[0] if case.config.init.checkpoint else FRESH
    if norms[-1] > SHRUNK * start or case.lr_sum * decay < 0.5:
        return None
    return Finding(
        "weight-decay",
        "problem",
        "Weight decay wears the weights down",
        f"The size of a weight fell from {start:.2g} to {norms[-1]:.2g} with a weight decay of {decay:g}; "
        f"{case.outcome}.",
        "Training pulls weights to zero faster than the gradients can make them grow.",
        Evidence(("weight_norm",)),
        Remedy("Use a weight decay of 0.05.", {"train.weight_decay": 0.05}, case.start_over),
    )
