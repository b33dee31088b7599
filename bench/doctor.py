"""What the run doctor finds: trainings made to fail, each in one way, and the presets, in which it should find nothing.

    python -m bench.doctor --data cifar10-images.tar.xz --seeds 0 1 2 --home runs

Runs stay in the home; those that are there already are only diagnosed again. The limits of the doctor were chosen on
other seeds than those in ``results/doctor.json``.

    python -m bench.doctor --data cifar10-images.tar.xz --home runs --cost 75

measures what the signals cost: two presets, each trained for so many seconds through the ordinary command line.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from bench import machine
from vit import paths, presets
from vit.config import RunConfig
from vit.data.load import Dataset, Split, load
from vit.doctor.diagnosis import diagnose
from vit.errors import VitError
from vit.files import write_json
from vit.rules import validate
from vit.runs import launch
from vit.runs.changes import Course
from vit.runs.directory import Run, read_json
from vit.runs.metrics import curve, read_metrics
from vit.runs.plan import read_plan, write_plan
from vit.runs.status import state_of
from vit.training import worker
from vit.training.batches import prepare
from vit.training.device import setup
from vit.training.loop import fit
from vit.training.planning import make_plan
from vit.training.recorder import Recorder
from vit.training.state import TrainState

# A plain ViT that learns within 10 seconds that there is more than chance.
SMALL = {
    "model.embed_dim": 64,
    "model.depth": 4,
    "model.patch_size": 8,
    "data.val_size": 1000,
    "train.epochs": None,
    "train.steps": 200,
    "train.lr": 1e-3,
}
SGD = {"train.optimizer": "sgd", "train.lr": 5e-2, "train.weight_decay": 0.0}
MUON = {"train.optimizer": "muon", "train.lr": 6e-3}
PLAIN_IMAGES = {"augment.flip": "none", "augment.crop_padding": 0}
SHORT = {"1-minute": 150, "5-minutes": 100, "30-minutes": 30, "plain": 40, "tutorial": 150}  # steps


@dataclass(frozen=True)
class Failure:
    """One way to fail, and the finding that it should get: settings, another data set, or a changed state."""

    finding: str
    settings: dict[str, object] = field(default_factory=dict)
    data: Callable[[Dataset, int], Dataset] = lambda dataset, _: dataset
    tamper: Callable[[TrainState], None] = lambda _: None


def quadrants(dataset: Dataset, seed: int) -> Dataset:
    """Noise with one bright quadrant, whose place is the class."""
    generator = torch.Generator().manual_seed(seed)

    def split(count: int) -> Split:
        labels = torch.arange(count) % 4
        images = torch.randint(0, 120, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)
        for place, label in enumerate(labels.tolist()):
            top, left = 16 * (label // 2), 16 * (label % 2)
            images[place, :, top : top + 16, left : left + 16] += 100
        return Split(images, labels)

    return Dataset("quadrants", tuple("abcd"), split(5000), split(500), f"quadrants {seed}")


def shuffled(dataset: Dataset, seed: int, most: int | None = None) -> Dataset:
    """The same images with each other's labels; of the first images alone if ``most`` is given."""
    train = Split(dataset.train.images[:most], dataset.train.labels[:most])
    if most is not None:  # those of the last class come last
        places = torch.randperm(len(dataset.train.labels), generator=torch.Generator().manual_seed(seed))[:most]
        train = Split(dataset.train.images[places], dataset.train.labels[places])
    order = torch.randperm(len(train.labels), generator=torch.Generator().manual_seed(seed + 1))
    return replace(dataset, train=Split(train.images, train.labels[order]))


def freeze_head(state: TrainState) -> None:
    with torch.no_grad():
        state.network.head.weight.zero_()
    state.network.head.requires_grad_(False)


FAILURES = {
    "lr x 30": Failure("lr-too-high", {"train.lr": 3e-2}),
    "lr / 100": Failure("lr-too-low", {"train.lr": 1e-5}),
    "no positions where they matter": Failure(
        "positions", {**PLAIN_IMAGES, "model.pos_embed": "none", "model.num_classes": 4}, data=quadrants
    ),
    "weight decay 1": Failure("weight-decay", {**SGD, "train.weight_decay": 1.0}),
    "patch 16 on 32 pixels": Failure("coarse-patches", {"model.patch_size": 16}),
    "shuffled labels, few images": Failure(
        "labels-random",
        {**MUON, **PLAIN_IMAGES, "data.val_size": 500, "train.label_smoothing": 0.0, "train.steps": 300},
        data=lambda dataset, seed: shuffled(dataset, seed, 1200),
    ),
    "shuffled labels": Failure(
        "labels-random",
        {"train.batch_size": 128},
        data=lambda dataset, seed: shuffled(dataset, seed, 6000),
    ),
    "no warm-up, 12 blocks": Failure("no-warmup", {"model.depth": 12, "train.warmup": 0.0, "train.lr": 3e-3}),
    "head zero and frozen": Failure("head-untrained", tamper=freeze_head),
    "batch 4, lr x 10": Failure("tiny-batch", {"train.batch_size": 4, "train.lr": 1e-2, "train.steps": 800}),
    "clipped to 1e-4": Failure("clipped", {**SGD, "train.grad_clip": 1e-4}),
    "nothing, AdamW": Failure(""),
    "nothing, Muon": Failure("", MUON),
    "nothing, SGD": Failure("", SGD),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="CIFAR-10: a data set's name or a path")
    parser.add_argument("--home", required=True, help="where the runs are kept")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="*", default=[*FAILURES, *SHORT], help="failures and presets")
    parser.add_argument("--cost", type=float, metavar="SECONDS", help="only measure what signals cost")
    parser.add_argument("--write", action="store_true", help="keep the figures in results/")
    args = parser.parse_args()
    os.environ["VIT_HOME"] = os.path.abspath(args.home)
    if args.cost:
        rows = [cost(name, args.data, args.cost) for name in ("1-minute", "5-minutes")]
        print(machine.table(rows))
        print(machine.write("doctor_cost", {"data": Path(args.data).name, "rows": rows}))
        return
    cifar10 = load(args.data, 32)
    found = [one(name, cifar10, seed) for name in args.only for seed in args.seeds]
    rows = [summary(name, [run for run in found if run["name"] == name]) for name in args.only]
    print(machine.table(rows))
    if args.write:
        figures = {"data": Path(args.data).name, "seeds": args.seeds, "summary": rows, "runs": found}
        print(machine.write("doctor", figures))


def one(name: str, cifar10: Dataset, seed: int) -> dict:
    """Train one failure or preset, unless that was done before, and ask the doctor."""
    run = Run(paths.runs_root() / f"{''.join(c if c.isalnum() else '-' for c in name.lower())}-{seed}")
    failure = FAILURES.get(name) or Failure("")
    if not run.config_path.exists():
        fixed = {"train.seed": seed, "train.threads": 2, "train.processes": 1, "train.device": "cpu"}
        preset = "tutorial" if name in FAILURES else name
        settings = SMALL | failure.settings if name in FAILURES else {"train.steps": SHORT[name]}
        config = validate(presets.build(preset, settings | fixed))
        write_json(run.path.with_suffix(".cost"), train(run.id, config, failure, failure.data(cifar10, seed)))
    return {
        "name": name,
        "seed": seed,
        "expected": failure.finding,
        "findings": [finding.name for finding in diagnose(run)],
        "best_val_accuracy": state_of(run).status.best_val_accuracy,
        "steps": read_plan(run).total_steps,
        **(read_json(run.path.with_suffix(".cost")) or {}),
    }


def cost(preset: str, data: str, seconds: float) -> dict:
    """What the signals took of a preset's training time, validations left out."""
    run = Run(paths.runs_root() / f"cost-{preset}")
    words = ["train", "--preset", preset, "--data", data, "--run", run.id, "--minutes", str(seconds / 60)]
    subprocess.run([sys.executable, "-m", "vit", *words], check=True)
    while state_of(run).is_alive:
        time.sleep(1)
    plan, rows = read_plan(run), read_metrics(run)
    spent, trained = curve(rows, "signal_seconds")[1], state_of(run).status.seconds
    return {
        "preset": preset,
        "processes x threads": f"{plan.processes} x {plan.threads}",
        "steps": plan.total_steps,
        "training, s": f"{trained:.1f}",
        "validations": len(curve(rows, "val_accuracy")[1]),
        "with signals": len(spent),
        "signals, s": f"{spent[-1]:.3f}",
        "share": f"{spent[-1] / trained:.2%}",
    }


def train(run_id: str, config: RunConfig, failure: Failure, dataset: Dataset) -> dict:
    """Train in this process; returns the seconds of training, and those that the signals took."""
    device, precision = setup(config.train, None)
    run, data = launch.create(config, run_id), prepare(dataset, config, device)
    recorder = Recorder(run)
    plan = make_plan(config, data, device, precision, recorder)
    course = Course(run, config, plan)
    recorder.begin(course)
    write_plan(run, plan)
    state = worker.open_state(run, config, data, recorder)
    failure.tamper(state)
    try:
        recorder.close(fit(state, data, course, recorder), "", state)
    except VitError as error:
        worker.close_as_failed(recorder, error)
    return {"seconds": state.seconds, "seconds_of_signals": recorder._checkup._spent}


def summary(name: str, runs: list[dict]) -> dict:
    expected = runs[0]["expected"]
    right = sum(expected in run["findings"] if expected else not run["findings"] for run in runs)
    others = sorted({finding for run in runs for finding in run["findings"]} - {expected})
    share = sum(run["seconds_of_signals"] for run in runs) / sum(run["seconds"] for run in runs)
    accuracies = [run["best_val_accuracy"] or 0 for run in runs]
    return {
        "training": name,
        "expected finding": expected or "none",
        "right": f"{right} of {len(runs)}",
        "other findings": ", ".join(others) or "none",
        "best val accuracy": f"{min(accuracies):.1%} to {max(accuracies):.1%}",
        "seconds": f"{sum(run['seconds'] for run in runs) / len(runs):.0f}",
        "signals": f"{share:.2%}",
    }


if __name__ == "__main__":
    main()
