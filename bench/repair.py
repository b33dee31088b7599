"""The recipe that fails on purpose, and its repairs one after the other, on three seeds.

    python -m bench.repair --data cifar10-images.tar.xz --home runs

Runs go through the ordinary command line. They stay in the home, and those that are finished are not trained again, so
with --seconds the work is done in pieces. Chapter 8 of Learn draws the curves.
"""

import argparse
import itertools
import math
import os
import sys
import time
from pathlib import Path

from bench import machine
from bench.presets import vit
from vit import paths
from vit.learn import repair
from vit.runs import metrics
from vit.runs.directory import Run
from vit.runs.metrics import read_metrics
from vit.runs.plan import read_plan
from vit.runs.status import state_of

POINTS = 20  # of a curve, each the mean over its part of the run; the run validates, and so reports, as often
VAL_IMAGES = 1000  # so that validating takes little of the time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="CIFAR-10: a data set's name or a path")
    parser.add_argument("--home", required=True, help="where the runs are kept")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=math.inf, help="after which no further run is begun")
    args = parser.parse_args()
    os.environ["VIT_HOME"] = os.path.abspath(args.home)
    rungs, runs, start = range(len(repair.RUNGS)), [], time.monotonic()
    for rung, seed in itertools.product(rungs, args.seeds):
        if time.monotonic() - start > args.seconds:
            sys.exit(f"{len(runs)} of {len(rungs) * len(args.seeds)} runs are done; start again to go on")
        runs.append(one(rung, args.data, seed))
    print(machine.table([summary(repair.RUNGS[rung].name, runs) for rung in rungs]))
    print(machine.write("repair", {"data": Path(args.data).name, "seeds": args.seeds, "runs": runs}))


def one(rung: int, data: str, seed: int) -> dict:
    """Train one rung with one seed, unless that was done before."""
    name = f"{repair.RUNGS[rung].name.lower().replace(' ', '-')}-{seed}"
    run = Run(paths.runs_root() / name)
    if not run.config_path.exists():
        fixed = {"train.seed": seed, "train.threads": 1, "train.processes": 1, "train.device": "cpu"}
        fixed |= {"data.val_size": VAL_IMAGES}
        chosen = [f"--set={field}={value}" for field, value in {**repair.settings(rung), **fixed}.items()]
        vit("train", "--preset", repair.PRESET, "--data", data, *chosen, "--run", name, "--follow")
    elif state_of(run).state != "finished":
        vit("resume", name, "--follow")
    plan, status = read_plan(run), state_of(run).status
    assert plan is not None
    return {
        "rung": repair.RUNGS[rung].name,
        "seed": seed,
        **curve(run, plan.total_steps),
        "val_accuracy": metrics.curve(read_metrics(run), "val_accuracy")[1][-1],
        "seconds": round(status.seconds, 1),
    }


def curve(run: Run, total: int) -> dict:
    """Train loss in equal parts of the run; rows are means since the row before, so each counts for its steps."""
    ends = [total * (part + 1) // POINTS for part in range(POINTS)]
    sums, weights, before = [0.0] * POINTS, [0] * POINTS, 0
    for row in read_metrics(run):
        if "train_loss" not in row:
            continue
        part = next(place for place, end in enumerate(ends) if row["step"] <= end)
        sums[part] += row["train_loss"] * (row["step"] - before)
        weights[part] += row["step"] - before
        before = row["step"]
    known = [part for part in range(POINTS) if weights[part]]
    return {"steps": [ends[part] for part in known], "losses": [round(sums[part] / weights[part], 4) for part in known]}


def summary(name: str, runs: list[dict]) -> dict:
    mine = [run for run in runs if run["rung"] == name]
    return {
        "rung": name,
        "last train loss": ", ".join(f"{run['losses'][-1]:.2f}" for run in mine),
        "val accuracy": ", ".join(f"{run['val_accuracy']:.1%}" for run in mine),
        "training, s": f"{sum(run['seconds'] for run in mine) / len(mine):.0f}",
    }


if __name__ == "__main__":
    main()
