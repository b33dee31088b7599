"""Downloads, imports and looking for duplicates in the background. ``python -m vit.data.jobs KIND NAME`` does one."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vit import jobs, text
from vit.data import store

if TYPE_CHECKING:
    from vit.data.importing import Renames


def start(
    kind: Literal["fetch", "import"],
    name: str,
    path: str | None = None,
    image_size: int | None = None,
    renames: "Renames | None" = None,
) -> None:
    """Start fetching the data set ``name``, or importing ``path`` under that name.

    An import calls classes as ``renames`` says, see ``vit.data.layouts.renamed``.

    Raises:
        DataError: If the name can't be used.
        JobError: If it is being worked on already.
    """
    store.check_name(name)
    arguments = [] if path is None else ["--path", str(Path(path).expanduser().resolve())]
    arguments += [] if image_size is None else ["--image-size", str(image_size)]
    arguments += ["--renames", json.dumps(renames)] if renames else []
    jobs.start(kind, name, __name__, kind, name, *arguments)


def start_duplicates(name: str) -> None:
    """Start looking for duplicates in the data set ``name``.

    Raises:
        DataError: If the name can't be used.
        JobError: If it is being worked on already.
    """
    store.check_name(name)
    jobs.start("duplicates", duplicates_job(name), __name__, "duplicates", name)


def duplicates_job(name: str) -> str:
    """What the job is called that looks for duplicates; a data set of the same name may be imported meanwhile."""
    return f"{name}=duplicates"


def main() -> None:
    """Do one job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("fetch", "import", "duplicates"))
    parser.add_argument("name")
    parser.add_argument("--path", type=Path)
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--renames", type=json.loads)
    args = parser.parse_args()
    if args.kind == "duplicates":
        jobs.run(duplicates_job(args.name), lambda reporter: _look(args.name, reporter))
    else:
        jobs.run(args.name, lambda reporter: _work(args, reporter))


def _look(name: str, reporter: jobs.Reporter) -> str:
    from vit.data import duplicates

    found = duplicates.check(name, reporter.progress("images"))
    return f"{text.counted(found.num_equal + found.num_near, 'pair')} of images found"


def _work(args: argparse.Namespace, reporter: jobs.Reporter) -> str:
    from vit.data import download, importing  # here, because pages that start a job need neither

    on_images = reporter.progress("images")
    if args.kind == "fetch":
        info = download.fetch(args.name, reporter.progress("B"), on_images)
    else:
        size = args.image_size or importing.DEFAULT_SIZE
        info = importing.import_as(args.name, args.path, size, on_images, args.renames)
    broken = f", {info.num_broken:,} could not be read" if info.num_broken else ""
    return f"{sum(info.counts.values()):,} images{broken}"


if __name__ == "__main__":
    main()
