"""``doctor``: what is wrong with a run, and what would help."""

import argparse
import json

from vit.cli.lines import say
from vit.doctor.diagnosis import diagnose
from vit.doctor.findings import Finding, Remedy
from vit.runs.directory import Run


def add_parser(commands) -> None:
    parser = commands.add_parser("doctor", help="say what is wrong with a run, if anything, and what would help")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--json", action="store_true", help="one JSON list on stdout")
    parser.set_defaults(func=doctor)


def doctor(args: argparse.Namespace) -> None:
    found = diagnose(Run.find(args.run))
    if args.json:
        print(json.dumps([finding.to_json() for finding in found], allow_nan=False))
        return
    for line in [line for finding in found for line in lines(finding)] or ["Nothing is wrong as far as can be seen."]:
        say(line)


def lines(finding: Finding) -> list[str]:
    """A finding as three lines."""
    return [f"{finding.severity}: {finding.title}", f"  {finding.sees} {finding.means}", f"  {_advice(finding.remedy)}"]


def _advice(remedy: Remedy) -> str:
    settings = ", ".join(f"{name}={value}" for name, value in remedy.settings.items())
    where = f"a fork from step {remedy.step:,}" if remedy.step is not None else "a new run"
    return f"{remedy.words} ({where} with {settings})" if settings else remedy.words
