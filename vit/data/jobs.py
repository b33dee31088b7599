"""Downloads and imports as background jobs. ``python -m vit.data.jobs KIND NAME`` is the process of one."""

import argparse
from pathlib import Path
from typing import Literal

from vit import jobs
from vit.data import store


def start(kind: Literal["fetch", "import"], name: str, path: str | None = None, image_size: int | None = None) -> None:
    """Start fetching the data set ``name``, or importing ``path`` under that name.

    Raises:
        DataError: If the name can't be used.
        JobError: If it is being worked on already.
    """
    store.check_name(name)
    arguments = [] if path is None else ["--path", str(Path(path).expanduser().resolve())]
    arguments += [] if image_size is None else ["--image-size", str(image_size)]
    jobs.start(kind, name, __name__, kind, name, *arguments)


def main() -> None:
    """Do one download or import."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("fetch", "import"))
    parser.add_argument("name")
    parser.add_argument("--path", type=Path)
    parser.add_argument("--image-size", type=int)
    args = parser.parse_args()
    jobs.run(args.name, lambda reporter: _work(args, reporter))


def _work(args: argparse.Namespace, reporter: jobs.Reporter) -> str:
    from vit.data import download, importing  # here, because pages that start a job need neither

    on_images = reporter.progress("images")
    if args.kind == "fetch":
        info = download.fetch(args.name, reporter.progress("B"), on_images)
    else:
        size = args.image_size or importing.DEFAULT_SIZE
        info = importing.import_as(args.name, args.path, size, on_images)
    broken = f", {info.num_broken:,} could not be read" if info.num_broken else ""
    return f"{sum(info.counts.values()):,} images{broken}"


if __name__ == "__main__":
    main()
