"""The one place where the command line writes what a person reads."""

import sys
from typing import TextIO

from vit.text import printable


def say(line: str, file: TextIO | None = None) -> None:
    """Print one line, on stdout unless told otherwise; names and errors in it can't steer the terminal."""
    print(printable(line), file=file or sys.stdout, flush=True)
