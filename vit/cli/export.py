"""``python -m vit export``: a model in another system's format."""

from argparse import Namespace
from pathlib import Path

from vit import models
from vit.cli.lines import say
from vit.errors import VitError


def add_parser(subparsers) -> None:
    parser = subparsers.add_parser("export", help="write a model in another system's format")
    parser.add_argument("model", metavar="MODEL", help="a run, a shipped model's name, or a checkpoint file")
    parser.add_argument("--format", required=True, choices=["timm"], help="timm: safetensors for its VisionTransformer")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write")
    parser.set_defaults(func=export)


def export(args: Namespace) -> None:
    if not args.out.parent.is_dir():
        raise VitError(f"the folder {args.out.parent} does not exist; create it or choose another --out")
    models.resolve(args.model)  # a wrong name is told before torch is imported
    from vit.export.timm import to_timm

    to_timm(args.model, args.out)
    say(f"wrote {args.out}")
