"""The recipe that fails on purpose, and its repairs one after the other, on three seeds.

    python -m bench.repair --data cifar10-images.tar.xz --home runs

Each run makes the steps of the ordinary loop in this process, and is judged on val after the last. Those that the home
has already are not trained again, so with --seconds the work is done in pieces. Chapter 8 of Learn draws the curves.
"""

import argparse
import itertools
import math
import os
import sys
import time
from pathlib import Path

from bench import machine
from vit import presets
from vit.config import share_or_count
from vit.data.load import Dataset, load
from vit.files import write_json
from vit.learn import repair
from vit.rules import validate
from vit.runs.directory import read_json
from vit.training.batches import prepare
from vit.training.device import setup
from vit.training.loop import evaluate, train_step
from vit.training.state import new_state

POINTS = 20  # of a curve, each the mean over its part of the run
VAL_IMAGES = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="CIFAR-10: a data set's name or a path")
    parser.add_argument("--home", required=True, help="where data and results are kept")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=math.inf, help="after which no further run is begun")
    args = parser.parse_args()
    os.environ["VIT_HOME"] = os.path.abspath(args.home)
    cifar10, rungs, runs, start = load(args.data, 32), range(len(repair.RUNGS)), [], time.monotonic()
    for rung, seed in itertools.product(rungs, args.seeds):
        if time.monotonic() - start > args.seconds:
            sys.exit(f"{len(runs)} of {len(rungs) * len(args.seeds)} runs are done; start again to go on")
        runs.append(one(rung, cifar10, seed, Path(args.home)))
    print(machine.table([summary(rung.name, runs) for rung in repair.RUNGS]))
    print(machine.write("repair", {"data": Path(args.data).name, "seeds": args.seeds, "runs": runs}))


def one(rung: int, cifar10: Dataset, seed: int, home: Path) -> dict:
    """A rung trained with one seed, now or before."""
    path = home / f"repair-{rung}-{seed}.json"
    settings = {**repair.settings(rung), "train.seed": seed}
    known = read_json(path)
    if known is None or known["settings"] != settings:
        known = {"rung": repair.RUNGS[rung].name, "seed": seed, "settings": settings, **train(settings, cifar10)}
        write_json(path, known)
    return known


def train(settings: dict[str, object], cifar10: Dataset) -> dict:
    """Curve, accuracy and seconds of one run."""
    fixed = {"train.threads": 1, "train.processes": 1, "train.device": "cpu", "data.val_size": VAL_IMAGES}
    config = validate(presets.build(repair.PRESET, settings | fixed))
    device, precision = setup(config.train, None)
    data, state, start = prepare(cifar10, config, device), new_state(config, device), time.perf_counter()
    total, losses = config.train.steps or 0, []
    warmup = share_or_count(config.train.warmup, total)
    for step in range(total):
        lr = config.train.lr_at(step, total, warmup)
        result = train_step(state.network, state, data.batch(step, config), config.train, lr, precision)
        losses.append(result.loss.item())
    seconds = time.perf_counter() - start
    found = evaluate(state.evaluation_network(), data.val.images, data.val.labels, data.mean, data.std, precision)
    return {**curve(losses), "val_accuracy": found.accuracy, "seconds": round(seconds, 1)}


def curve(losses: list[float]) -> dict:
    """Mean losses of equal parts of the run."""
    ends = [len(losses) * part // POINTS for part in range(POINTS + 1)]
    parts = list(itertools.pairwise(ends))
    return {"steps": ends[1:], "losses": [round(sum(losses[a:b]) / (b - a), 4) for a, b in parts]}


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
