"""How far what is foretold of runs is from what they do: the time until they are done, and what they reach.

    python -m bench.foretell --data cifar10-images.tar.xz --home runs

The runs of ``HELD_OUT`` were used for nothing else. Before each its speed is measured as the form does, and what the
form would say is kept. Then it is trained through the ordinary command line. The time is that from the start of its
worker to the end of the run. Runs that are there already are not trained again.
"""

import argparse
import os
import subprocess
import sys
import time

import psutil

from bench import machine
from vit import forecast, paths, presets
from vit.config import RunConfig
from vit.data import catalog
from vit.expectation import band
from vit.rules import validate
from vit.runs import speed
from vit.runs.directory import Run
from vit.runs.launched import read_launch
from vit.runs.status import RunState, state_of

# (name, preset, whether on shapes rather than on CIFAR-10, settings with the length)
HELD_OUT = [
    ("middle", "5-minutes", False, {"train.epochs": 0.5, "model.embed_dim": 96, "model.depth": 3, "train.lr": 8e-3}),
    ("minute", "1-minute", False, {"train.minutes": 1, "train.seed": 5}),
    ("plain-minute", "plain", False, {"train.minutes": 0.8, "model.embed_dim": 96, "train.seed": 3}),
    ("textbook", "tutorial", False, {"train.epochs": 0.5, "model.depth": 3, "train.lr": 2e-3, "train.seed": 4}),
    ("fine", "30-minutes", False, {"train.epochs": 0.25, "model.depth": 3, "train.seed": 6}),
    ("shapes", "plain", True, {"train.epochs": 3, "model.patch_size": 8, "train.seed": 7}),
    (
        "wide-shallow",
        "5-minutes",
        False,
        {"train.epochs": 0.5, "model.embed_dim": 160, "model.depth": 2, "train.lr": 8e-3},
    ),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="CIFAR-10: a data set's name or a path")
    parser.add_argument("--home", required=True, help="where the runs are kept")
    args = parser.parse_args()
    os.environ["VIT_HOME"] = os.path.abspath(args.home)
    rows = [one(name, preset, "shapes" if on_shapes else args.data, more) for name, preset, on_shapes, more in HELD_OUT]
    print(machine.table(rows))
    print(machine.write("foretell", rows))


def one(name: str, preset: str, data: str, settings: dict) -> dict:
    """Foretell, train, compare."""
    run, before = Run(paths.runs_root() / name), paths.home() / f"{name}.foretold.json"
    if not run.config_path.exists():
        config = validate(presets.build(preset, {"data.source": data, **settings}))
        before.write_text(foretold(config).model_dump_json())
        busy = train(name, preset, data, settings)
        before.with_suffix(".busy").write_text(f"{busy:.2f}")
    said, planned, now = forecast.Forecast.model_validate_json(before.read_bytes()), forecast.read(run), state_of(run)
    assert planned is not None
    seconds = (now.status.finished or 0) - read_launch(run).launched
    return {
        "run": name,
        "took, s": f"{seconds:.0f}",
        "foretold": off(said, seconds),
        "after measuring": off(planned, seconds),
        "reached": f"{now.status.best_val_accuracy:.1%}",
        "expected": inside(said, now),
        "expected after measuring": inside(planned, now),
        "others' share of the cores": f"{float(before.with_suffix('.busy').read_text()):.0%}",
    }


def off(said: forecast.Forecast, seconds: float) -> str:
    return f"{said.seconds:.0f} s, {said.seconds / seconds - 1:+.0%}"


def inside(said: forecast.Forecast, now: RunState) -> str:
    """The band, and whether it holds what was reached."""
    if said.reaches is None:
        return "-"
    is_inside = said.reaches.low <= (now.status.best_val_accuracy or 0.0) <= said.reaches.high
    return f"{band(said.reaches)}, {'inside' if is_inside else 'missed'}"


def foretold(config: RunConfig) -> forecast.Forecast:
    """What the form says once it has measured the speed."""
    speed.measure(config)
    while speed.remembered(config) is None or speed.is_measuring(config):
        time.sleep(0.2)
    info = catalog.describe(config.data.source)
    said = forecast.of(config, info.classes, info.counts["train"], info.counts["test"])
    assert said is not None
    return said


def train(name: str, preset: str, data: str, settings: dict) -> float:
    """Train to the end; returns the share of all cores that other programs took meanwhile."""
    words = ["train", "--preset", preset, "--data", data, "--run", name]
    words += [word for item in settings.items() for word in ("--set", "=".join(map(str, item)))]
    subprocess.run([sys.executable, "-m", "vit", *words], check=True)
    run, start, used, began, own = Run(paths.runs_root() / name), psutil.cpu_times(), 0.0, time.time(), {}
    while state_of(run).is_alive:
        for process in psutil.process_iter(["cmdline"]):
            if str(run.path) in (process.info["cmdline"] or []):
                own[process.pid] = sum(process.cpu_times()[:2])
        time.sleep(1)
    end, used = psutil.cpu_times(), sum(own.values())
    busy = sum(getattr(end, kind) - getattr(start, kind) for kind in ("user", "nice", "system", "irq", "softirq"))
    return max(0.0, busy - used) / (time.time() - began) / (os.cpu_count() or 1)


if __name__ == "__main__":
    main()
