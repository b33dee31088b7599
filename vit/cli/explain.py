"""``python -m vit explain``: where a model looks, as a picture."""

import sys
from argparse import Namespace
from pathlib import Path

import numpy as np

from vit import models
from vit.cli.pictures import read_picture
from vit.errors import VitError


def add_parser(subparsers) -> None:
    parser = subparsers.add_parser("explain", help="draw where a model looks")
    parser.add_argument("model", metavar="MODEL", help="a run, a shipped model's name, or a checkpoint file")
    parser.add_argument("image", metavar="IMAGE", type=Path, help="PNG, JPEG, WebP, BMP or GIF")
    parser.add_argument("--method", default="rollout", help="rollout (default): through all layers; attention: of one")
    parser.add_argument("--layer", type=int, help="counted from 0; the last one if not given")
    parser.add_argument("--head", type=int, help="counted from 0; the mean of all if not given; attention only")
    parser.add_argument("--target", metavar="CLASS", help="the class to explain, for methods that depend on it")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.png", help="where to write the picture")
    parser.set_defaults(func=explain)


def explain(args: Namespace) -> None:
    _check(args)
    picture = read_picture(args.image)
    models.resolve(args.model)  # a wrong name is told before torch is imported
    from vit.plots.heatmap import describe_map
    from vit.predict import Predictor

    predictor = Predictor.load(args.model)
    _check_target(args, predictor.info.classes)
    prediction, trace = predictor.explain(args.image.name, picture)
    values, caption = METHODS[args.method](trace, args)
    _write(args.out, picture.image, prediction, values, trace.num_tokens, caption)
    print(f"wrote {args.out}: {caption}. {describe_map(values, trace.num_tokens)}")


def _rollout(trace, args: Namespace) -> tuple[np.ndarray, str]:
    from vit.explain.attention import patch_map, rollout

    last = trace.depth - 1 if args.layer is None else args.layer
    values = patch_map(rollout(trace.attention, up_to=args.layer), trace)
    return values[0].numpy(), f"Attention rollout, layers 0 to {last}"


def _attention(trace, args: Namespace) -> tuple[np.ndarray, str]:
    from vit.explain.attention import attention_map

    layer = trace.depth - 1 if args.layer is None else args.layer
    values = attention_map(trace, layer, args.head)
    heads = "mean of all heads" if args.head is None else f"head {args.head}"
    return values[0].numpy(), f"Attention, layer {layer}, {heads}"


METHODS = {"rollout": _rollout, "attention": _attention}  # (trace, args) -> (g, g), caption


def _check(args: Namespace) -> None:
    """What can be refused before a model is loaded."""
    if args.method not in METHODS:
        raise VitError(f"there is no method {args.method!r}; use {' or '.join(METHODS)}")
    if args.method == "rollout" and args.head is not None:
        raise VitError("rollout follows all heads together; --head belongs to --method attention")
    if args.out.suffix.lower() != ".png":
        raise VitError(f"--out is {args.out}; the picture is written as PNG, so use a name that ends in .png")
    if not args.out.parent.is_dir():
        raise VitError(f"the folder {args.out.parent} does not exist; create it or choose another --out")


def _check_target(args: Namespace, classes: tuple[str, ...]) -> None:
    if args.target is None:
        return
    if args.target not in classes:
        raise VitError(f"this model has no class {args.target!r}; it knows {', '.join(classes)}")
    print(f"{args.method} doesn't depend on the class, so --target {args.target} changes nothing", file=sys.stderr)


def _write(out: Path, original, prediction, values: np.ndarray, num_tokens: int, caption: str) -> None:
    from vit import files
    from vit.plots.report import report
    from vit.plots.scale import times_uniform

    scale = times_uniform(values, num_tokens)
    drawn = report(original, prediction, values, scale, caption)
    with files.replacing(out) as temporary:
        drawn.save(temporary, "PNG")
