"""``python -m vit explain``: where a model looks, and what speaks for a class, as an image."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vit import files, images, models
from vit.cli.lines import say
from vit.errors import VitError

if TYPE_CHECKING:
    from vit.explain.methods import Method
    from vit.explain.trace import Trace
    from vit.predict import Prediction, Predictor

WITH_LAYERS, WITH_HEADS = ("rollout", "attention"), ("attention",)


def add_parser(subparsers) -> None:
    parser = subparsers.add_parser("explain", help="draw where a model looks, or what speaks for a class")
    parser.add_argument("model", metavar="MODEL", help="a run, a shipped model's name, or a checkpoint file")
    parser.add_argument("image", metavar="IMAGE", type=Path, help="PNG, JPEG, WebP, BMP or GIF")
    methods = "rollout (default), attention, relevance, occlusion, ...; a wrong name is answered with all of them"
    parser.add_argument("--method", default="rollout", metavar="NAME", help=methods)
    parser.add_argument("--target", metavar="CLASS", help="the class to explain; the likeliest one if not given")
    parser.add_argument("--against", metavar="CLASS", help="why the target and not this class")
    parser.add_argument("--layer", type=int, help="counted from 0; the last one if not given; rollout and attention")
    parser.add_argument("--head", type=int, help="counted from 0; the mean of all if not given; attention only")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.png", help="where to write the image")
    parser.set_defaults(func=explain)


def explain(args: Namespace) -> None:
    _check(args)
    image = images.read(args.image)
    models.resolve(args.model)  # a wrong name is told before torch is imported
    from vit.explain.methods import find
    from vit.explain.target import check_finite
    from vit.plots.heatmap import appearance
    from vit.plots.report import report
    from vit.predict import Predictor

    method, predictor = find(args.method), Predictor.load(args.model)
    _check_classes(args, method, predictor.info.classes)
    prediction, trace = predictor.explain(args.image.name, image)
    check_finite(trace.logits)
    by_layer = args.method in WITH_LAYERS
    values, caption = _by_layer(args, trace) if by_layer else _by_class(args, method, predictor, prediction)
    scale, colors, words = appearance(values, unit=method.unit, is_signed=method.is_signed, num_tokens=trace.num_tokens)
    drawn = report(image.image, prediction, values, scale, caption, colors)
    with files.replacing(args.out) as temporary:
        drawn.save(temporary, "PNG")
    say(f"wrote {args.out}: {caption}. {words}")


def _by_layer(args: Namespace, trace: Trace) -> tuple[np.ndarray, str]:
    """The map (g, g) of attention alone, up to or in one layer, and its caption."""
    from vit.explain.attention import attention_map, patch_map, rollout

    layer = trace.depth - 1 if args.layer is None else args.layer
    if args.method == "rollout":
        values = patch_map(rollout(trace.attention, up_to=layer), trace)
        return values[0].numpy(), f"Attention rollout, layers 0 to {layer}"
    heads = "mean of all heads" if args.head is None else f"head {args.head}"
    return attention_map(trace, layer, args.head)[0].numpy(), f"Attention, layer {layer}, {heads}"


def _by_class(args: Namespace, method: Method, predictor: Predictor, shown: Prediction) -> tuple[np.ndarray, str]:
    """The map (g, g) of what speaks for the target, and its caption."""
    from vit.explain import methods
    from vit.explain.target import Contrast

    name = args.target or shown.top(1)[0][0]
    target, goal = shown.classes.index(name), name
    if args.against is not None:
        target, goal = Contrast(target, shown.classes.index(args.against)), f"{name} and not {args.against}"
    values = methods.explain(args.method, predictor.model, predictor.inputs([shown.seen]), target)
    return values[0].cpu().numpy(), f"{method.title}: {goal}" if method.is_class_specific else method.title


def _check(args: Namespace) -> None:
    """What can be refused before a model is loaded."""
    if args.head is not None and args.method not in WITH_HEADS:
        raise VitError(f"{args.method} takes all heads together; --head belongs to --method attention")
    if args.layer is not None and args.method not in WITH_LAYERS:
        raise VitError(f"{args.method} takes all layers together; --layer belongs to --method rollout or attention")
    if args.out.suffix.lower() != ".png":
        raise VitError(f"--out is {args.out}; the image is written as PNG, so use a name that ends in .png")
    if not args.out.parent.is_dir():
        raise VitError(f"the folder {args.out.parent} does not exist; create it or choose another --out")


def _check_classes(args: Namespace, method: Method, classes: tuple[str, ...]) -> None:
    given = [name for name in (args.target, args.against) if name is not None]
    for name in given:
        if name not in classes:
            raise VitError(f"this model has no class {name!r}; it knows {', '.join(classes)}")
    if len(given) > len(set(given)):
        raise VitError(f"--target and --against are both {args.target}; choose two classes to compare")
    if given and not method.is_class_specific:
        say(f"{args.method} doesn't depend on the class, so {' and '.join(given)} changes nothing", file=sys.stderr)
