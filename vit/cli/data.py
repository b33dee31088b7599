"""``data``: which data sets there are; fetching, importing, checking and removing them."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from vit.cli.lines import say
from vit.cli.progress import Progress
from vit.data import catalog, duplicates, importing, previewing
from vit.data.download import REMOTE, fetch
from vit.data.store import DatasetInfo

BROKEN_SHOWN, PAIRS_SHOWN = 5, 20


def add_parser(commands) -> None:
    parser = commands.add_parser("data", help="list, fetch, import, check and remove data sets")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="what there is")
    listing.add_argument("--json", action="store_true", help="one JSON list on stdout")
    listing.set_defaults(func=show)
    fetching = actions.add_parser("fetch", help="download a known data set")
    fetching.add_argument("name", metavar="NAME", help=", ".join(REMOTE))
    fetching.set_defaults(func=fetch_named)
    reading = actions.add_parser("import", help="read class folders, an archive of them, or cifar-10-python.tar.gz")
    reading.add_argument("path", metavar="PATH", type=Path)
    reading.add_argument("--name", required=True, help="what to call it")
    words = "side in pixels to store at (%(default)s), unless all images share one small square size"
    reading.add_argument("--image-size", metavar="S", type=_size, default=importing.DEFAULT_SIZE, help=words)
    words = "import the class OLD as NEW; several of one NEW become one class"
    reading.add_argument(
        "--class", metavar="OLD=NEW", dest="renamed", type=_rename, action="append", default=[], help=words
    )
    reading.add_argument("--drop", metavar="OLD", action="append", default=[], help="leave the class OLD out")
    reading.add_argument("--preview", action="store_true", help="only say what would be imported, and write nothing")
    reading.set_defaults(func=import_path)
    looking = actions.add_parser("duplicates", help="find images that are in a data set twice, or in train and in test")
    looking.add_argument("name", metavar="NAME")
    looking.add_argument("--json", action="store_true", help="one JSON object on stdout")
    looking.set_defaults(func=find_duplicates)
    removing = actions.add_parser("remove", help="delete an imported data set")
    removing.add_argument("name", metavar="NAME")
    removing.set_defaults(func=lambda args: catalog.remove(args.name))


def show(args: argparse.Namespace) -> None:
    infos = catalog.list_datasets()
    if args.json:
        print(json.dumps([asdict(info) for info in infos]))
    else:
        for info in infos:
            say(line(info))


def fetch_named(args: argparse.Namespace) -> None:
    with Progress("Downloading", unit="B") as on_bytes, Progress("Importing", unit="images") as on_images:
        info = fetch(args.name, on_bytes, on_images)
    say(line(info))


def import_path(args: argparse.Namespace) -> None:
    renames = {**dict(args.renamed), **dict.fromkeys(args.drop)}
    if args.preview:
        show_preview(args.path, renames)
        return
    with Progress("Importing", unit="images") as progress:
        info = importing.import_as(args.name, args.path, args.image_size, progress, renames)
    say(line(info))
    for name, reason in info.broken[:BROKEN_SHOWN]:
        say(f"  left out {name}: {reason}")
    if info.num_broken > BROKEN_SHOWN:
        say(f"  and {info.num_broken - BROKEN_SHOWN:,} others")


def show_preview(path: Path, renames: importing.Renames) -> None:
    """What an import would give: one class a line."""
    found = previewing.preview(path)
    for name, counts in found.after(renames).items():
        say(f"{name:24} " + ", ".join(f"{count:,} {split}" for split, count in counts.items()))
    if found.left_out:
        say(f"{len(found.left_out):,} files would be left out, and those that turn out to be broken")


def find_duplicates(args: argparse.Namespace) -> None:
    with Progress("Looking", unit="images") as progress:
        found = duplicates.check(args.name, progress)
    if args.json:
        print(json.dumps(found.model_dump(mode="json")))
        return
    say(f"{found.num_equal:,} pairs of equal images, {found.num_near:,} of nearly equal ones")
    say(f"{found.num_leaked:,} test images are among the training images, too")
    for pair in found.pairs[:PAIRS_SHOWN]:
        words = "equal" if not pair.difference else f"difference {pair.difference:.2f}"
        say(f"  {pair.first[0]} {pair.first[1]} and {pair.second[0]} {pair.second[1]}: {words}")


def line(info: DatasetInfo) -> str:
    """One data set as a line of a table."""
    if info.problem:
        return f"{info.name:24} {info.problem}"
    counts = ", ".join(f"{count:,} {split}" for split, count in info.counts.items())
    side = f"{info.image_size} px" if info.image_size else "any size"
    broken = f", {info.num_broken:,} files left out" if info.num_broken else ""
    return f"{info.name:24} {len(info.classes)} classes, {counts}, {side}{broken}"


def _rename(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not OLD=NEW, such as tabby=cat")
    return old, new


def _size(text: str) -> int:
    if not text.isdigit() or not 4 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is not a side in pixels from 4 to 1024")
    return int(text)
