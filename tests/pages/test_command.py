"""The command line shown beside a run starts the same run."""

import argparse
import shlex

from hypothesis import given
from hypothesis import strategies as st
from worlds import TOTAL_STEPS, plan, saved, written_run

from pages.train import command
from vit import presets
from vit.cli import train as cli
from vit.rules import validate

CHANGES = {
    "model.depth": st.integers(1, 12),
    "model.qkv_bias": st.booleans(),
    "model.drop_rate": st.floats(0, 0.9),
    "train.lr": st.floats(1e-6, 1.0),
    "train.optimizer": st.sampled_from(["adamw", "sgd", "muon"]),
    "train.compile": st.booleans(),
    "augment.mixup_alpha": st.floats(0, 10),
    "data.val_size": st.floats(0.01, 0.5),
}


def parsed(line: str) -> dict:
    """What the command line makes of a line, as a raw configuration."""
    parser = argparse.ArgumentParser()
    cli.add_parser(parser.add_subparsers())
    args = parser.parse_args(shlex.split(line)[3:])
    lengths = {f"train.{name}": getattr(args, name) for name in ("epochs", "steps", "minutes")}
    overrides = dict(args.settings) | {name: value for name, value in lengths.items() if value is not None}
    overrides = {"data.source": args.data, **overrides}
    return presets.build(args.preset, overrides, init=args.init, data=command._described(args.data))


@given(st.sampled_from(sorted(presets.PRESETS)), st.fixed_dictionaries({}, optional=CHANGES))
def test_the_line_rebuilds_the_configuration(preset, changes):
    wanted = validate(presets.build(preset, {"data.source": "shapes", **changes}))
    again = validate(parsed(command.line(wanted.to_json())))
    assert again == wanted


def test_a_start_from_a_model_is_in_the_line(home):
    saved(written_run("wise-wolf"), 1000)
    wanted = validate(presets.build("5-minutes", {"model.num_classes": 10}, init="wise-wolf"))
    line = command.line(wanted.to_json())
    assert "--init wise-wolf" in line
    assert validate(parsed(line)).model == wanted.model


def test_a_path_with_spaces_survives_the_shell():
    raw = validate(presets.build("tutorial", {"data.source": "/my images/cats & dogs"})).to_json()
    assert parsed(command.line(raw))["data"]["source"] == "/my images/cats & dogs"


def test_a_run_with_a_plan_is_repeated_with_its_steps_and_what_was_decided_for_it(home):
    wanted = validate(presets.build("1-minute", {"data.source": "shapes"}))
    raw = parsed(command.line(wanted.to_json(), plan()))
    again = validate(raw).train
    assert (again.steps, again.minutes) == (TOTAL_STEPS, None)
    assert (again.threads, again.processes, again.precision, again.device) == (2, 1, "fp32", "cpu")
    assert "train.seed=0" in command.line(wanted.to_json(), plan())
