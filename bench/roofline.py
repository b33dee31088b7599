"""How much arithmetic a preset's minutes can buy on this machine, and how much of it the training uses.

    python -m bench.roofline --presets 5-minutes 30-minutes plain

In turn: large products of matrices on every core, the fastest thing that a processor does, and training steps on
random images. What the products reach in a preset's minutes is a bound for every network, and stands beside what the
record of CNNs needs for its accuracy.
"""

import argparse
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch

from bench import machine
from bench.arithmetic import CNN
from bench.processes import images_per_second
from vit import cost, devices, presets
from vit.rules import validate
from vit.training.device import choose_precision

ROUNDS, SIDE, SECONDS = 5, 2048, 3.0
RECORD, _ = CNN["CNN: airbench, six views"][0]  # operations of the shortest training


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = presets.offered("cpu")
    parser.add_argument("--presets", nargs="+", choices=names, default=["5-minutes", "30-minutes", "plain"])
    rows = [row(name) for name in parser.parse_args().presets]
    print(machine.table(rows))
    print(machine.write("roofline", rows))


def row(preset: str) -> dict:
    """Medians of the turns."""
    config, cores = validate(presets.build(preset)), devices.usable_cores()
    precision = choose_precision(config.train.precision, "cpu")
    turns = [(products(cores, precision), images_per_second(preset, cores, 1)) for _ in range(ROUNDS)]
    bound, images = (statistics.median(values) for values in zip(*turns, strict=True))
    needed, seconds = cost.training_flops(config.model), 60 * config.train.minutes
    return {
        "preset": preset,
        "precision": precision,
        "products, GFLOP/s": round(bound / 1e9),
        "training, GFLOP/s": round(images * needed / 1e9),
        "share": f"{images * needed / bound:.0%}",
        "operations of the training": f"{images * needed * seconds:.1e}",
        "operations at most": f"{bound * seconds:.1e}",
        "at most, in trainings of the record": f"{bound * seconds / RECORD:.2f}",
    }


def products(cores: int, precision: str) -> float:
    """Floating-point operations per second of large products, one process of one thread on every core."""
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        return sum(pool.map(products_of_one, [precision] * cores))


def products_of_one(precision: str) -> float:
    torch.set_num_threads(1)
    matrix = torch.randn(SIDE, SIDE, dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
    matrix @ matrix
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        matrix @ matrix
        count += 1
    return count * 2 * SIDE**3 / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
