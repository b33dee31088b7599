"""What the presets reach: each trained with several seeds, judged on test after the last step.

    python -m bench.presets 1-minute 5-minutes --data cifar10-images.tar.xz --seeds 3
    python -m bench.presets 5-minutes --epochs 10 --data cifar10-images.tar.xz --home runs
    python -m bench.presets plain --minutes 30 --data cifar10-images.tar.xz --home runs

Runs go through the ordinary command line, so they include measuring, validation and checkpoints. val chose the
settings; test is looked at once per run. With --home runs stay, and those that are finished are not trained again.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import machine
from vit import experience, paths, presets
from vit.rules import read
from vit.runs.directory import Run
from vit.runs.metrics import curve, read_metrics
from vit.runs.plan import read_plan
from vit.runs.status import state_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="+", choices=presets.PRESETS, metavar="PRESET")
    parser.add_argument("--data", required=True, help="a data set's name or a path")
    parser.add_argument("--seeds", type=int, default=3)
    lengths = parser.add_mutually_exclusive_group()
    lengths.add_argument("--epochs", type=float, help="instead of the preset's own length")
    lengths.add_argument("--minutes", type=float, help="likewise")
    parser.add_argument("--home", help="where the runs are kept; a folder that is gone afterwards if left out")
    args = parser.parse_args()
    with contextlib.nullcontext(args.home) if args.home else tempfile.TemporaryDirectory() as home:
        os.environ["VIT_HOME"] = os.path.abspath(home)
        length = {unit: getattr(args, unit) for unit in ("epochs", "minutes") if getattr(args, unit)}
        runs = [one(preset, args.data, seed, length) for preset in args.presets for seed in range(args.seeds)]
    rows = [summary(name, [run for run in runs if run["preset"] == name]) for name in args.presets]
    print(machine.table(rows))
    name = "-".join(["presets", *args.presets, *told(length)])
    print(machine.write(name, {"data": Path(args.data).name, "summary": rows, "runs": runs}))


def told(length: dict[str, float]) -> list[str]:
    """A length that is not the preset's own, for the name of a file: ``["10-epochs"]``."""
    return [f"{value:g}-{unit}" for unit, value in length.items()]


def one(preset: str, data: str, seed: int, length: dict[str, float]) -> dict:
    """Train once and judge the last step."""
    name = "-".join([f"{preset}-{seed}", *told(length)])
    run = Run(paths.runs_root() / name)
    if not run.config_path.exists():
        chosen = ["--preset", preset, "--data", data, "--set", f"train.seed={seed}"]
        vit("train", *chosen, *(f"--{unit}={value}" for unit, value in length.items()), "--run", name, "--follow")
    elif state_of(run).state != "finished":
        vit("resume", name, "--follow")
    judged = json.loads(vit("evaluate", f"{name}@last", "--data", data, "--json"))
    rows, plan = read_metrics(run), read_plan(run)
    steps, losses = curve(rows, "val_loss")
    accuracies = curve(rows, "val_accuracy")[1]
    return {
        "preset": preset,
        "seed": seed,
        "settings": experience.differing(read(run.config_path)),
        "test_accuracy": judged["accuracy"],
        "test_loss": judged["loss"],
        "seconds": state_of(run).status.seconds,
        "steps": plan.total_steps,
        "epochs": plan.total_epochs,
        "images_per_second": statistics.median(curve(rows, "images_per_second")[1]),
        "val_curve": list(zip(steps, losses, accuracies, strict=True)),
    }


def vit(*arguments: str) -> str:
    """Run a command of the project and return what it prints."""
    done = subprocess.run([sys.executable, "-m", "vit", *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def summary(name: str, runs: list[dict]) -> dict:
    accuracies = [100 * run["test_accuracy"] for run in runs]
    spread = f" ± {statistics.stdev(accuracies):.1f}" if len(runs) > 1 else ""
    return {
        "preset": name,
        "seeds": len(runs),
        "test accuracy, %": f"{statistics.mean(accuracies):.1f}{spread}",
        "training, s": f"{statistics.mean(run['seconds'] for run in runs):.0f}",
        "epochs": f"{statistics.mean(run['epochs'] for run in runs):.1f}",
        "images/s": f"{statistics.mean(run['images_per_second'] for run in runs):,.0f}",
    }


if __name__ == "__main__":
    main()
