"""What can be said of a run whatever else is wrong with it."""

import statistics

from vit.doctor.case import GOOD, Case
from vit.doctor.findings import Evidence, Finding, Remedy, Settings
from vit.rules import divisors
from vit.text import counted, percent

GAP, WORSE = 0.2, 1.1  # accuracy on train images above val, and val loss above its lowest
FEW_TOKENS = 9
COLLAPSED = 0.03  # attention entropy, relative to looking everywhere
MANY_HEADS = 0.25  # share that is wasted
SLOW, STARVED = 0.4, 0.5  # of the measured speed, and of one core
LONG = 5  # measurements in a row
PLATEAU = 0.995


def overfitted(case: Case) -> Finding | None:
    """Train images get better known while val gets worse."""
    losses, gap = case.values("val_loss"), case.gap
    if not case.has_learned or gap is None or gap < GAP or len(losses) < 5:
        return None
    lowest, now = min(losses), statistics.fmean(losses[-2:])
    if now < WORSE * lowest:
        return None
    settings: Settings = {"augment.random_erasing": 0.25, "augment.cutmix_alpha": 1.0}
    return Finding(
        "overfitting",
        "hint",
        "The model learns the training images by heart",
        f"Train images reach {percent(case.latest('clean_train_accuracy', 2))} and val images {percent(gap)} less; "
        f"the val loss has risen from {lowest:.2f} to {now:.2f}.",
        "What it learns now does not help with other images.",
        Evidence(("clean_train_loss", "val_loss")),
        Remedy("Vary the images more, from the best checkpoint on.", settings, "best"),
    )


def coarse(case: Case) -> Finding | None:
    """So few patches that attention has nothing to choose from."""
    model = case.config.model
    is_early = case.progress < 0.3 or len(case.values("val_accuracy")) < 3
    if is_early or model.num_patches > FEW_TOKENS or model.is_hybrid or case.best_accuracy >= GOOD:
        return None
    unit = max((side for side in divisors(model.image_size) if 8 * side <= model.image_size), default=1)
    if unit >= model.patch_size:
        return None
    return Finding(
        "coarse-patches",
        "hint",
        "The patches are too coarse",
        f"The image is cut into {counted(model.num_patches, 'patch', 'patches')} of {model.patch_size} pixels; val "
        f"accuracy is {percent(case.latest('val_accuracy'))}.",
        "One linear layer has to see everything within a patch, and attention has nearly nothing to compare.",
        Evidence(("val_accuracy",), case.chance_accuracy, "guessing", percent=True),
        Remedy(f"Use patches of {counted(unit, 'pixel')}.", {"model.patch_size": unit}),
    )


def collapsed(case: Case) -> Finding | None:
    """Every token of the whole network looks at a single one."""
    if not case.stays("attention_entropy", COLLAPSED):
        return None
    settings = case.differing({"train.lr": case.lower_lr, "train.warmup": 0.1})
    return Finding(
        "attention-collapsed",
        "hint",
        "Attention has collapsed",
        f"The entropy of attention is {percent(case.latest('attention_entropy'))} of what looking everywhere has.",
        "Each token looks at one other, whatever the image, and softmax passes on no gradient to change that.",
        Evidence(("attention_entropy",), COLLAPSED, "collapsed"),
        Remedy(f"Use a learning rate of {case.lower_lr:g}, and a warm-up.", settings),
    )


def _wasted(case: Case, metric: str, name: str, title: str, means: str, remedy: Remedy) -> Finding | None:
    shares = case.values(metric)[-3:]
    if len(shares) < 3 or min(shares) < MANY_HEADS or case.step <= case.plan.warmup_steps:
        return None
    heads = case.config.model.depth * case.config.model.num_heads
    sees = f"{counted(round(shares[-1] * heads), 'head')} of {heads}, in three measurements."
    return Finding(name, "hint", title, sees, means, Evidence((metric,), MANY_HEADS, "many", percent=True), remedy)


def dead_heads(case: Case) -> Finding | None:
    fewer = max(1, case.config.model.num_heads // 2)
    remedy = Remedy(f"Use {counted(fewer, 'head')} per block.", {"model.num_heads": fewer})
    means = "What they compute is too small to reach the next block: they cost time and bring nothing."
    return _wasted(case, "dead_heads", "dead-heads", "Heads are dead", means, remedy)


def identical_heads(case: Case) -> Finding | None:
    remedy = Remedy("Start from other random weights.", {"train.seed": case.config.train.seed + 1})
    means = "They get the same gradients, so they will stay the same: the model has fewer heads than it seems."
    return _wasted(case, "identical_heads", "identical-heads", "Heads are copies of each other", means, remedy)


def starved(case: Case) -> Finding | None:
    """Other programs take the processor: most of the time this training waits."""
    cores = case.values("cpu_cores")[-LONG:]
    is_starved = case.plan.device == "cpu" and len(cores) == LONG and max(cores) < STARVED
    planned, speeds = case.plan.images_per_second, case.values("images_per_second")[-3 * LONG :]
    is_slow = planned is not None and len(speeds) == 3 * LONG and max(speeds) < SLOW * planned
    if not (is_starved or is_slow):
        return None
    measured = f"{statistics.median(speeds):,.0f} images/s" + (
        f" of {planned:,.0f} that were measured" if planned else ""
    )
    busy = f", with {cores[-1]:.1f} cores at work" if cores else ""
    evidence = (
        Evidence(("cpu_cores",), STARVED, "half a core")
        if is_starved
        else (Evidence(("images_per_second",), planned, "measured before the start"))
    )
    return Finding(
        "starved",
        "hint",
        "The training waits for the processor",
        f"It makes {statistics.median(speeds):,.0f} images/s{measured}{busy}.",
        "Other programs use this machine, so the run takes longer than planned; its result stays the same.",
        evidence,
        Remedy("Close what else is running, or wait."),
    )


def plateau(case: Case) -> Finding | None:
    """No progress for half of the run, although steps are still large."""
    losses, lr = case.values("val_loss"), case.latest("lr") or 0.0
    if len(losses) < 10 or not case.has_learned or case.best_accuracy >= GOOD or (case.gap or 1) > 0.1:
        return None
    half = len(losses) // 2
    if lr < 0.2 * case.lr or min(losses[half:]) < PLATEAU * min(losses[:half]):
        return None
    lower = float(f"{case.lr / 5:.2g}")
    return Finding(
        "plateau",
        "hint",
        "The val loss has stopped falling",
        f"It was {min(losses[:half]):.3f} half of the steps ago, and {min(losses[half:]):.3f} since.",
        "Steps of this size lead around the minimum rather than into it.",
        Evidence(("val_loss",)),
        Remedy(f"Go on with a learning rate of {lower:g}.", {"train.lr": lower}, "best"),
    )
