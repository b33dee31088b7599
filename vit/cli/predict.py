"""``python -m vit predict``: what a model says about images."""

import json
import sys
from argparse import Namespace
from pathlib import Path

from vit import images, models
from vit.cli.lines import say
from vit.errors import ImageError, VitError


def add_parser(subparsers) -> None:
    parser = subparsers.add_parser("predict", help="say what is in images")
    parser.add_argument("model", metavar="MODEL", help="a run, a shipped model's name, or a checkpoint file")
    parser.add_argument("images", metavar="IMAGE", nargs="+", type=Path, help="PNG, JPEG, WebP, BMP or GIF")
    parser.add_argument("--top", type=int, default=5, metavar="K", help="how many classes to name (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON list and nothing else")
    parser.set_defaults(func=predict)


def predict(args: Namespace) -> None:
    """Predict each image; a bad one doesn't keep the others from being predicted."""
    if args.top < 1:
        raise VitError(f"--top is {args.top}; it has to be at least 1")
    models.resolve(args.model)  # a wrong name is told before torch is imported
    from vit.predict import Predictor

    predictor = Predictor.load(args.model)
    entries = []
    for path in args.images:  # one by one, so that memory doesn't grow with their number
        entries.append(_entry(predictor, path, args.top))
        if not args.json:
            _show(entries[-1])
    if args.json:
        print(json.dumps(entries, allow_nan=False))
    if all("error" in entry for entry in entries):
        sys.exit(2)  # none could be predicted


def _entry(predictor, path: Path, top: int) -> dict:
    try:
        image = images.read(path)
    except ImageError as error:
        return {"image": str(path), "error": str(error)}
    prediction = predictor.predict([(path.name, image)])[0]
    pairs = [{"class": name, "probability": probability} for name, probability in prediction.top(top)]
    return {"image": str(path), "predictions": pairs}


def _show(entry: dict) -> None:
    if "error" in entry:
        say(entry["error"], file=sys.stderr)
        return
    say(entry["image"])
    for pair in entry["predictions"]:
        say(f"  {pair['probability']:6.1%}  {pair['class']}")
