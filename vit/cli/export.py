"""``python -m vit export``: a model in another system's format, or the code of a run."""

from argparse import Namespace
from pathlib import Path

from vit import files, models
from vit.cli.lines import say
from vit.errors import VitError
from vit.export.twin import recipe
from vit.runs.directory import Run

HELP = "timm: weights for its VisionTransformer; script or notebook: the code of a run, which needs no ViT Lab"


def add_parser(subparsers) -> None:
    parser = subparsers.add_parser("export", help="write a model in another system's format, or the code of a run")
    parser.add_argument("model", metavar="MODEL", help="a run, a shipped model's name, or a checkpoint file")
    parser.add_argument("--format", required=True, choices=["timm", "script", "notebook"], help=HELP)
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write")
    parser.set_defaults(func=export)


def export(args: Namespace) -> None:
    if not args.out.parent.is_dir():
        raise VitError(f"the folder {args.out.parent} does not exist; create it or choose another --out")
    if args.format == "timm":
        _weights(args)
    else:
        _code(args)
    say(f"wrote {args.out}")


def _weights(args: Namespace) -> None:
    models.resolve(args.model)  # a wrong name is told before torch is imported
    from vit.export.timm import to_timm

    to_timm(args.model, args.out)


def _code(args: Namespace) -> None:
    wanted = recipe.of_run(Run.find(args.model))
    suffix = wanted.suffix(args.format)
    if args.out.suffix != suffix:
        travels = "its images or weights travel with it" if suffix == ".zip" else "nothing travels with it"
        raise VitError(f"{args.out} should end in {suffix}, because {travels}; choose another --out")
    from vit.export.twin import package

    with files.replacing(args.out) as temporary, open(temporary, "wb") as file:
        package.write(wanted, args.format, file)
