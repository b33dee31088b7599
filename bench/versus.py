"""A CNN against a ViT of the same number of parameters: 5 % of the training images and all of them, several seeds.

    python -m bench.versus --data cifar10-images.tar.xz --seeds 0 1 2 --steps 1500

Writes ``vit/learn/versus.json``, which chapter 1 of Learn shows. Both networks get the same batches and the same recipe
(AdamW, the default settings), chosen for neither.
"""

import argparse
import statistics
from pathlib import Path

import torch

from bench import machine
from vit.data.load import load
from vit.files import write_json
from vit.learn import compared, versus
from vit.learn.cnn import num_parameters
from vit.learn.compared import NETWORKS, SHARES, Row
from vit.training.batches import prepare
from vit.training.device import setup

OUT = Path(compared.__file__).with_name("versus.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=1500)
    args = parser.parse_args()
    dataset = load(args.data, versus.SIDE)
    found = []
    for seed in args.seeds:
        config = versus.settings(dataset, seed, args.steps)
        setup(config.train)
        data = prepare(dataset, config, torch.device("cpu"))
        rows = versus.compare(config, data, lambda done, total, words: None)
        print(seed, *(row for row in rows if row.step == args.steps), sep="\n", flush=True)
        found.append(rows)
    told = {
        "machine": machine.describe(),
        "data": dataset.name,
        "seeds": args.seeds,
        "steps": args.steps,
        "batch_size": config.train.batch_size,
        "num_train": len(data.train.labels),
        "parameters": {name: num_parameters(network) for name, network in versus.networks(config).items()},
        "curves": [curve(found, name, share) for share in SHARES for name in NETWORKS],
    }
    write_json(OUT, told)


def curve(found: list[list[Row]], name: str, share: float) -> dict:
    """Mean and spread of the val accuracy over the seeds, at each validation."""
    runs = [[row for row in rows if (row.network, row.share) == (name, share)] for rows in found]
    values = [[run[place].val_accuracy for run in runs] for place in range(len(runs[0]))]
    return {
        "network": name,
        "share": share,
        "steps": [row.step for row in runs[0]],
        "mean": [statistics.fmean(some) for some in values],
        "std": [statistics.stdev(some) if len(some) > 1 else 0.0 for some in values],
    }


if __name__ == "__main__":
    main()
