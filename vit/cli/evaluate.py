"""``evaluate``: how good a model is on a data set: accuracy and loss, and with ``--report`` everything else."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from vit import models
from vit.cli.lines import say
from vit.cli.progress import Progress
from vit.data import catalog
from vit.data.store import DatasetInfo
from vit.errors import DataError
from vit.models import ModelInfo
from vit.text import counted, percent

if TYPE_CHECKING:  # torch is imported once it is known that model and data belong together
    from vit.training.loop import Evaluation


def add_parser(commands) -> None:
    parser = commands.add_parser("evaluate", help="accuracy and loss of a model on a data set, or a whole report")
    parser.add_argument("model", metavar="MODEL", help="a run, a shipped model or a checkpoint file")
    parser.add_argument("--data", required=True, metavar="SOURCE", help="a data set's name, or a folder or archive")
    words = "what to judge with; without it test, or where there is none the model's own val, or all images"
    parser.add_argument("--split", choices=("train", "val", "test"), help=words)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--tta", action="store_true", help="mean of the logits of each image and its mirror image")
    words = "write everything that is known of it: report.html, report.json and predictions.csv"
    parser.add_argument("--report", metavar="FOLDER", type=Path, help=words)
    parser.add_argument("--against", metavar="OTHER", help="in the report, another MODEL to compare with")
    parser.set_defaults(func=evaluate)


def evaluate(args: argparse.Namespace) -> None:
    """Check that model and data belong together, and judge."""
    if args.against and not args.report:
        raise DataError("--against compares in a report: say --report FOLDER, too")
    if args.tta and args.report:
        raise DataError("a report judges each image as it is: leave out --tta or --report")
    info = models.read_info(models.resolve(args.model))
    with Progress("Reading the data", unit="images", quiet=args.json) as progress:
        data = catalog.resolve(args.data, info.model.image_size, progress)
        if data.classes != info.classes:
            raise DataError(
                f"{args.model} tells apart {', '.join(info.classes)}; {args.data} has {', '.join(data.classes)}"
            )
        args.split = args.split or default_split(data, info)
        if args.report:
            found = reported(args, data, progress)
        else:
            found = measure(args.model, args.data, args.split, progress, args.tta)
    where = ("" if args.split == "test" else f" of {args.split}") + (", each with its mirror image" if args.tta else "")
    if args.json:
        print(json.dumps(asdict(found), allow_nan=False))
    else:
        say(f"accuracy {percent(found.accuracy, 2)}, loss {found.loss:.4f} on {counted(found.images, 'image')}{where}")


def default_split(data: DatasetInfo, info: ModelInfo) -> str:
    """The split that tells most of how good a model is."""
    is_own = data.fingerprint == info.data.get("fingerprint")
    return "test" if data.counts.get("test") else "val" if is_own else "train"


def measure(model: str, data: str, split: str, progress: Progress, is_mirrored: bool = False) -> Evaluation:
    """Rebuild the model, load the split at its size, and evaluate; with the mirror image beside each if wanted."""
    import torch

    from vit import checkpoint
    from vit.data.load import load
    from vit.evaluation.forward import Mirrored
    from vit.evaluation.split import choose
    from vit.training.batches import to_channels
    from vit.training.loop import evaluate as judge

    network, info = checkpoint.load_with_info(model)
    network = Mirrored(network).eval() if is_mirrored else network
    chosen = choose(load(data, info.model.image_size, progress), split, info)
    images = to_channels(chosen.images, info.model.in_channels)
    return judge(network, images, chosen.labels, torch.tensor(info.mean), torch.tensor(info.std), "fp32")


def reported(args: argparse.Namespace, data: DatasetInfo, progress: Progress) -> Evaluation:
    """Evaluate with everything that there is, keep it as the app does, and write the report."""
    from vit.evaluation import directory, job, report
    from vit.training.loop import Evaluation

    asked = [directory.find(model, data, args.split) for model in (args.model, args.against) if model]
    for evaluation in asked:
        directory.note_look(evaluation)
    job.make(asked[0], progress, (*directory.PARTS, "robustness"))
    for other in asked[1:]:
        job.Work.begin(other, progress).predictions()
    material = report.collect(*asked)
    report.write(args.report, material, lambda row: report.image(material, row))
    summary = material.summary
    return Evaluation(summary.loss, summary.accuracy.value, summary.accuracy.images)
