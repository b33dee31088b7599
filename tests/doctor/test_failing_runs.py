"""Small real trainings that fail in known ways get the finding that says so; one that learns gets none."""

import pytest
import torch
from worlds import config

from tests.training.conftest import CPU, run_training, tiny_config
from vit.doctor.diagnosis import diagnose
from vit.runs import launch
from vit.runs.directory import Run
from vit.runs.plan import write_plan
from vit.training import worker
from vit.training.batches import prepare
from vit.training.loop import DivergedError
from vit.training.planning import make_plan
from vit.training.recorder import Recorder

# Without shifted crops it knows all validation images after 100 steps, whatever the seed.
LONG = {
    "train__steps": 200,
    "train__eval_every": 10,
    "train__lr": 0.01,
    "data__val_size": 36,
    "augment__crop_padding": 0,
}


def findings(dataset, run_id: str, **settings) -> set[str]:
    chosen = tiny_config(**{**LONG, **settings})
    run, *_, plan = run_training(chosen, prepare(dataset, chosen, CPU), run_id)
    write_plan(run, plan)
    return {finding.name for finding in diagnose(run)}


def test_a_run_without_a_plan_has_no_findings_yet(home):
    assert diagnose(launch.create(config(), "one")) == []


def test_a_run_whose_loss_stopped_being_a_number_is_told_to_take_smaller_steps(home, data):
    settings = tiny_config(train__lr=10, train__grad_clip=0, train__optimizer="sgd", train__steps=200, train__warmup=0)
    with pytest.raises(DivergedError) as ended:
        run_training(settings, data, "one")
    run = Run.find("one")
    write_plan(run, make_plan(settings, data, CPU, "fp32", Recorder(run)))
    worker.close_as_failed(Recorder(run), ended.value)
    (finding,) = diagnose(run)
    assert finding.name == "lr-too-high"
    assert finding.title == "Training diverged"
    assert finding.remedy.settings == {"train.lr": 0.05}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        (set(), {}),
        ({"lr-too-low"}, {"train__lr": 1e-5}),
        ({"head-untrained"}, {"frozen": True}),
        ({"clipped"}, {"train__grad_clip": 1e-4, "train__optimizer": "sgd"}),
    ],
    ids=["healthy", "low", "frozen", "clipped"],
)
def test_trainings_that_fail_get_their_finding(home, dataset, monkeypatch, expected, settings):
    if settings.pop("frozen", False):
        really_open = worker.open_state

        def frozen(*arguments):
            state = really_open(*arguments)
            torch.nn.init.zeros_(state.network.head.weight)
            state.network.head.requires_grad_(False)
            return state

        monkeypatch.setattr(worker, "open_state", frozen)
    assert findings(dataset, "one", **settings) == expected
