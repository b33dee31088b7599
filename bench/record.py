"""The recorded runs that come with the project, from which it is told what to expect: ``vit/recorded.json``.

    python -m bench.record --train --data cifar10-images.tar.xz --home runs
    python -m bench.record --home runs

With --train the short runs of ``SHORT`` are trained first, one after the other through the ordinary command line; those
that are there already are not trained again. Then the table is written from them, from what ``bench.presets`` has kept
of the presets, and from the shipped models.
"""

import argparse
import json
import os
import subprocess
import sys

from pydantic import JsonValue

from bench import machine
from bench.ship import TEACHER
from vit import experience, models, paths
from vit.config import ModelConfig
from vit.data.cifar10 import CLASSES
from vit.rules import read
from vit.runs.directory import Run

CIFAR10 = {"classes": CLASSES, "images": 50_000}
PRESET_FILES = "presets-*.json"

# (name, preset, whether on shapes rather than CIFAR-10, epochs, settings)
SHORT = [
    ("c-deep", "5-minutes", False, 0.5, {"model.depth": 6, "train.seed": 1}),
    ("c-narrow", "5-minutes", False, 0.7, {"model.embed_dim": 64, "train.seed": 2}),
    ("c-fine", "30-minutes", False, 0.3, {}),
    ("c-plain", "plain", False, 0.4, {"train.lr": 3e-3}),
    ("s-5min", "5-minutes", True, 2.5, {}),
    ("c-adamw", "5-minutes", False, 0.5, {"train.optimizer": "adamw", "train.lr": 1e-3, "train.seed": 1}),
    ("c-shallow", "5-minutes", False, 0.6, {"model.depth": 2}),
    ("s-plain", "plain", True, 2, {}),
    ("c-tutorial8", "tutorial", False, 0.7, {"model.patch_size": 8, "train.lr": 3e-3}),
    ("c-1min", "1-minute", False, 0.25, {}),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", required=True, help="where the short runs are")
    parser.add_argument("--train", action="store_true", help="train those that are missing")
    parser.add_argument("--data", help="CIFAR-10: a data set's name or a path")
    args = parser.parse_args()
    os.environ["VIT_HOME"] = os.path.abspath(args.home)
    for name, preset, on_shapes, epochs, settings in SHORT if args.train else []:
        if not Run(paths.runs_root() / name).config_path.exists():
            train(name, preset, "shapes" if on_shapes else args.data, epochs, settings)
    found = [*of_presets(), *of_models(), *of_short_runs()]
    rows = [seen.model_dump(mode="json", exclude_defaults=True) for seen in found]
    experience.TABLE.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
    print(f"{len(found)} runs in {experience.TABLE}")


def train(name: str, preset: str, data: str, epochs: float, settings: dict) -> None:
    words = ["train", "--preset", preset, "--data", data, "--epochs", str(epochs), "--run", name, "--follow"]
    words += [word for item in settings.items() for word in ("--set", "=".join(map(str, item)))]
    subprocess.run([sys.executable, "-m", "vit", *words], check=True)


def of_short_runs() -> list[experience.Experience]:
    """The short runs; what the table has of those that are not in this home."""
    earlier = {seen.run.partition(",")[0]: seen for seen in experience.shipped()}
    found = [of_short_run(Run(paths.runs_root() / name)) or earlier.get(name) for name, *_ in SHORT]
    return [seen for seen in found if seen]


def of_short_run(run: Run) -> experience.Experience | None:
    seen = experience.recorded(run)
    if seen is None:
        return None
    named = f"{seen.run}, {machine.processor()}"
    return seen.model_copy(update={"run": named, "curve": tuple(experience.run_points(run))})


def of_presets() -> list[experience.Experience]:
    """What ``bench.presets`` has kept."""
    found = []
    for path in sorted(machine.RESULTS.glob(PRESET_FILES)):
        kept = json.loads(path.read_text())
        where = kept["machine"]["processor"]
        found += [of_preset(run, where) for run in kept["figures"]["runs"]]
    return found


def of_preset(run: dict, where: str) -> experience.Experience:
    points = [(step / run["steps"], accuracy) for step, _, accuracy in run["val_curve"]]
    stem = run["settings"].get("model.stem", ModelConfig().stem)  # recipes of a preset's past differ in it
    name = f"{run['preset']}, stem {stem}, {run['epochs']:.3g} epochs, seed {run['seed']}, {where}"
    return made(name, run["settings"], run["epochs"], points, run["seconds"], run["test_accuracy"])


def of_models() -> list[experience.Experience]:
    """The runs of the shipped models, but for those that had a teacher: no run of the app has one."""
    found = []
    for folder in sorted(paths.pretrained_root().iterdir()):
        if TEACHER in models.read_info(folder / models.SHIPPED_FILE).data:
            continue
        rows = [row for row in json.loads((folder / "metrics.json").read_text()) if "val_accuracy" in row]
        points = [(row["step"] / rows[-1]["step"], row["val_accuracy"]) for row in rows]
        config = read(folder / "config.json")
        found.append(made(folder.name, experience.differing(config), rows[-1]["epoch"], points, rows[-1]["time"]))
    return found


def made(
    name: str,
    settings: dict[str, JsonValue],
    epochs: float,
    points: list[tuple[float, float]],
    seconds: float,
    test_accuracy: float | None = None,
) -> experience.Experience:
    return experience.Experience(
        run=name,
        settings=settings,
        epochs=round(epochs, 4),
        val_accuracy=max(accuracy for _, accuracy in points),
        test_accuracy=test_accuracy,
        seconds=round(seconds, 1),
        curve=[(round(share, 4), accuracy) for share, accuracy in points],
        **CIFAR10,
    )


if __name__ == "__main__":
    main()
