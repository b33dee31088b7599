"""``python -m vit predict``: what a model says about images."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vit import files, images, many, models
from vit.cli.lines import say
from vit.errors import DataError, ImageError, VitError
from vit.images import DecodedImage
from vit.many import File, Row
from vit.text import counted

if TYPE_CHECKING:
    from vit.judge import Judge


def add_parser(subparsers) -> None:
    parser = subparsers.add_parser("predict", help="say what is in images")
    parser.add_argument("model", metavar="MODEL", help="a run, a shipped model's name, or a checkpoint file")
    words = "PNG, JPEG, WebP, BMP or GIF, or a folder of them"
    parser.add_argument("images", metavar="IMAGE", nargs="+", type=Path, help=words)
    parser.add_argument("--top", type=int, default=5, metavar="K", help="how many classes to name (default: 5)")
    words = "the softmax as it is; without it, confidence is calibrated where the model was evaluated"
    parser.add_argument("--raw", action="store_true", help=words)
    parser.add_argument("--tta", action="store_true", help="mean of the logits of each image and its mirror image")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write one line for each image to this file instead")
    parser.add_argument("--json", action="store_true", help="print one JSON list and nothing else")
    parser.set_defaults(func=predict)


def predict(args: Namespace) -> None:
    """Predict each image; a bad one doesn't keep the others from being predicted."""
    if args.top < 1:
        raise VitError(f"--top is {args.top}; it has to be at least 1")
    models.resolve(args.model)  # a wrong name is told before torch is imported
    listed = [file for path in args.images for file in expanded(path)]
    from vit.judge import Judge

    judge, rows = Judge.load(args.model), []
    for batch in many.predict(judge, listed, args.tta):
        rows += batch
        if not args.json and not args.csv:
            for row in batch:
                _show(_entry(judge, row, args))
    _finish(judge, rows, args)


def _finish(judge: Judge, rows: Sequence[Row], args: Namespace) -> None:
    """What is printed or written once all is known."""
    if args.csv:
        files.write_bytes(args.csv, many.as_csv(rows, judge.predictor.info.classes, args.raw).encode())
    if args.json:
        print(json.dumps([_entry(judge, row, args) for row in rows], allow_nan=False))
    elif args.csv:
        broken = sum(row.problem is not None for row in rows)
        say(f"{args.csv}: {counted(len(rows), 'image')}" + (f", of which {broken:,} can't be read" if broken else ""))
    if all(row.problem for row in rows):
        sys.exit(2)  # none could be predicted


def expanded(path: Path) -> list[File]:
    """An image itself, or the images of a folder; what is wrong with a folder is told as of an image."""
    if not path.is_dir():
        return [File(str(path), partial(images.read, path))]
    try:
        found = many.find(path)
    except DataError as error:
        return [File(str(path), partial(_refuse, str(error)))]
    if found.total > len(found.paths):
        say(f"{path}: the first {len(found.paths):,} of {found.total:,} images", sys.stderr)
    return [File(str(path / name), partial(images.read, path / name)) for name in found.paths]


def _refuse(words: str) -> DecodedImage:
    raise ImageError(words)


def _entry(judge: Judge, row: Row, args: Namespace) -> dict:
    if row.problem:
        return {"image": row.name, "error": row.problem}
    top = row.top(judge.predictor.info.classes, args.raw, args.top)
    pairs = [{"class": name, "probability": probability} for name, probability in top]
    known = {} if row.is_unusual is None else {"unusual": row.is_unusual}
    return {"image": row.name, "predictions": pairs, **known}


def _show(entry: dict) -> None:
    if "error" in entry:
        say(entry["error"], file=sys.stderr)
        return
    say(entry["image"] + (" (unlike the training images)" if entry.get("unusual") else ""))
    for pair in entry["predictions"]:
        say(f"  {pair['probability']:6.1%}  {pair['class']}")
