"""What several processes of one thread bring on a CPU, against one process of several threads, for every preset.

    python -m bench.processes

Each arrangement trains random images for some seconds, in turn, so that a shared machine slows all alike.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import machine
from vit import devices, files, presets
from vit.processes import ENVIRONMENT
from vit.rules import validate
from vit.runs import speed

ROUNDS = 3
MEASURE = "import sys, pathlib; from vit.training.planning import *; measure_when_free(pathlib.Path(sys.argv[1]))"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = presets.offered("cpu")
    parser.add_argument("--presets", nargs="+", choices=names, default=names)
    args = parser.parse_args()
    rows = [compare(name) for name in args.presets]
    print(machine.table(rows))
    print(machine.write("processes", rows))


def compare(preset: str) -> dict:
    """Images per second of each arrangement, medians over the rounds, and the ratios to one process on all cores."""
    cores = devices.usable_cores()
    arrangements = {f"{cores} x 1": (cores, 1), f"1 x {cores}": (1, cores), "1 x 1": (1, 1)}
    found = {name: [] for name in arrangements}
    for _ in range(ROUNDS):
        for name, (processes, threads) in arrangements.items():
            found[name].append(images_per_second(preset, processes, threads))
    medians = {name: statistics.median(values) for name, values in found.items()}
    ratio = medians[f"{cores} x 1"] / medians[f"1 x {cores}"]
    return {"preset": preset, **{name: f"{value:,.0f}" for name, value in medians.items()}, "ratio": f"{ratio:.2f}"}


def images_per_second(preset: str, processes: int, threads: int) -> float:
    """The speed that the app's own measurement finds, in a home of its own."""
    fixed = {"train.processes": processes, "train.threads": threads}
    config = validate(presets.build(preset, fixed))
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, **ENVIRONMENT, "VIT_HOME": home}
        request = Path(home) / "checkpoints" / "request.json"
        request.parent.mkdir()
        files.write_json(request, config.to_json())
        subprocess.run([sys.executable, "-c", MEASURE, str(request)], env=environment, check=True, capture_output=True)
        return json.loads((Path(home) / ".speed.json").read_text())[speed.key(config)]["training"]


if __name__ == "__main__":
    main()
