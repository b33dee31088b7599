"""The command line: ``python -m vit COMMAND``. Wrong use gets one line on stderr and exit code 2."""

import argparse
import io
import os
import sys

from vit import errors
from vit.cli import (
    budget,
    data,
    doctor,
    evaluate,
    explain,
    export,
    predict,
    question,
    runs,
    steer,
    sweep,
    train,
    verify,
)
from vit.cli.lines import say
from vit.errors import VitError
from vit.text import printable

COMMANDS = (train, steer, runs, budget, doctor, sweep, question, evaluate, predict, explain, data, export, verify)


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of repeating the usage."""

    def error(self, message: str):
        self.exit(2, printable(f"{self.prog}: {message} (see {self.prog} --help)") + "\n")


def build_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(prog="python -m vit", description="Train Vision Transformers and see what they look at.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=OneLineParser)
    for module in COMMANDS:
        module.add_parser(commands)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    prepare_streams()
    args = build_parser().parse_args(argv)
    try:
        args.func(args)
        sys.stdout.flush()
    except VitError as error:
        return refuse(args.command, str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        discard_output()
    except OSError as error:
        discard_output()
        return refuse(args.command, errors.refused(error))
    return 0


def prepare_streams() -> None:
    """Survive what a shell may do to the streams: close them (``>&-``), or give them an alphabet without ours."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, it lives as long as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """What is still buffered can't be written; without this, Python would try again at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def refuse(command: str, message: str) -> int:
    say(f"python -m vit {command}: {message}", sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
