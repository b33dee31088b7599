"""A run is repeated by the command line that its page shows, also one that was given in minutes."""

import shlex
from argparse import ArgumentParser

import pytest
import torch

from pages.train import command
from tests.training.conftest import ended, tiny_config, weights
from vit import checkpoint
from vit.cli import train as cli
from vit.runs import launch
from vit.runs.directory import Run
from vit.runs.plan import read_plan


def started_by(line: str, name: str) -> Run:
    """The run that a command line starts."""
    parser = ArgumentParser()
    cli.add_parser(parser.add_subparsers())
    args = parser.parse_args([*shlex.split(line)[3:], "--run", name])
    args.func(args)
    return Run.find(name)


@pytest.mark.slow
def test_a_run_given_in_minutes_is_repeated_with_the_same_bits(home, folder):
    config = tiny_config(data__source=str(folder), train__steps=None, train__minutes=0.02, train__threads=0)
    first = launch.launch(config, "first")
    assert ended(first) == "finished", first.log_path.read_text()
    plan = read_plan(first)
    assert plan is not None
    again = started_by(command.line(config.to_json(), plan), "again")
    assert ended(again) == "finished", again.log_path.read_text()
    repeated = read_plan(again)
    assert repeated is not None
    assert (repeated.total_steps, repeated.minutes) == (plan.total_steps, None)
    assert all(torch.equal(tensor, weights(again)[name]) for name, tensor in weights(first).items())
    models = [checkpoint.load_with_info(run.id)[0].state_dict() for run in (first, again)]
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])
