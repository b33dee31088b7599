"""``evaluate``: accuracy and loss of a model on a data set."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from vit import models
from vit.cli.lines import say
from vit.cli.progress import Progress
from vit.config import RunConfig
from vit.data import catalog
from vit.errors import DataError
from vit.text import counted, percent

if TYPE_CHECKING:  # torch is imported once it is known that model and data belong together
    from vit.data.load import Dataset, Split
    from vit.training.loop import Evaluation


def add_parser(commands) -> None:
    parser = commands.add_parser("evaluate", help="accuracy and loss of a model on a data set")
    parser.add_argument("model", metavar="MODEL", help="a run, a shipped model or a checkpoint file")
    parser.add_argument("--data", required=True, metavar="SOURCE", help="a data set's name, or a folder or archive")
    parser.add_argument("--split", choices=("train", "val", "test"), default="test")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.set_defaults(func=evaluate)


def evaluate(args: argparse.Namespace) -> None:
    """Check that model and data belong together, and judge."""
    info = models.read_info(models.resolve(args.model))
    with Progress("Reading the data", unit="images", quiet=args.json) as progress:
        classes = catalog.resolve(args.data, info.model.image_size, progress).classes
        if classes != info.classes:
            raise DataError(f"{args.model} tells apart {', '.join(info.classes)}; {args.data} has {', '.join(classes)}")
        found = measure(args, progress)
    words = f"accuracy {percent(found.accuracy, 2)}, loss {found.loss:.4f} on {counted(found.images, 'image')}"
    if args.json:
        print(json.dumps(asdict(found), allow_nan=False))
    else:
        say(words)


def measure(args: argparse.Namespace, progress: Progress) -> Evaluation:
    """Rebuild the model, load the split at its size, and evaluate."""
    import torch

    from vit import checkpoint
    from vit.data.load import load
    from vit.training.batches import to_channels
    from vit.training.loop import evaluate as judge

    network, info = checkpoint.load_with_info(args.model)
    split = choose_split(load(args.data, info.model.image_size, progress), args.split, info.run)
    images = to_channels(split.images, info.model.in_channels)
    return judge(network, images, split.labels, torch.tensor(info.mean), torch.tensor(info.std), "fp32")


def choose_split(dataset: Dataset, name: str, config: RunConfig) -> Split:
    """A split's images and labels; train and validation are those of the model's own training."""
    from vit.data.load import Split, train_val_split

    if name == "test":
        if dataset.test is None:
            raise DataError(f"{dataset.name} has no test split; use --split val")
        return dataset.test
    images, labels = dataset.train.images, dataset.train.labels
    train_places, val_places = train_val_split(labels, config.data.num_val(len(labels)), config.train.seed)
    places = train_places if name == "train" else val_places
    return Split(images[places], labels[places])
