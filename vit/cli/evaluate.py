"""``evaluate``: accuracy and loss of a model on a data set."""

import argparse
import json
from dataclasses import asdict

from vit import models
from vit.cli.progress import Progress
from vit.data import catalog
from vit.errors import DataError


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
        check_classes(args, info, catalog.resolve(args.data, info.model.image_size, progress).classes)
        figures = measure(args, progress)
    print(json.dumps(figures, allow_nan=False) if args.json else describe(figures))


def check_classes(args: argparse.Namespace, info: models.ModelInfo, classes: tuple[str, ...]) -> None:
    if tuple(classes) != info.classes:
        raise DataError(f"{args.model} tells apart {', '.join(info.classes)}; {args.data} has {', '.join(classes)}")


def measure(args: argparse.Namespace, progress: Progress) -> dict:
    """Rebuild the model, load the split at its size, and evaluate: accuracy, loss, images."""
    import torch

    from vit import checkpoint
    from vit.data.load import load
    from vit.training.batches import to_channels
    from vit.training.loop import evaluate as judge

    network, info = checkpoint.load_with_info(args.model)
    images, labels = choose_split(load(args.data, info.model.image_size, progress), args.split, info)
    images = to_channels(images, info.model.in_channels)
    return asdict(judge(network, images, labels, torch.tensor(info.mean), torch.tensor(info.std), "fp32"))


def choose_split(dataset, split: str, info):
    """Images and labels of a split; validation is carved as in the model's own training."""
    from vit.data.load import carve

    if split == "test":
        if dataset.test is None:
            raise DataError(f"{dataset.name} has no test split; use --split val")
        return dataset.test.images, dataset.test.labels
    train_places, val_places = carve(dataset.train.labels, info.run.data.val_size, info.run.train.seed)
    places = train_places if split == "train" else val_places
    return dataset.train.images[places], dataset.train.labels[places]


def describe(figures: dict) -> str:
    return f"accuracy {figures['accuracy']:.2%}, loss {figures['loss']:.4f} on {figures['images']:,} images"
