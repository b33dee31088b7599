"""The worker as a real process: it ends well, fails in words, and loses nothing to kill -9."""

import json
import os
import platform
import signal
import statistics
import subprocess
import sys

import pytest
import torch
from PIL import Image

from tests.training.conftest import ended, run_training, tiny_config, wait_for, weights
from vit import checkpoint, forecast, processes
from vit.errors import RunError
from vit.runs import launch, speed, starter
from vit.runs.directory import read_json, read_lines
from vit.runs.metrics import read_metrics
from vit.runs.status import state_of
from vit.training import worker


def test_a_run_finishes_and_leaves_everything_a_page_needs(home, folder):
    run = launch.launch(tiny_config(data__source=str(folder)), "one")
    assert ended(run) == "finished", run.log_path.read_text()
    status = read_json(run.status_path)
    assert status["step"] == status["total_steps"] == 12
    assert 0 <= status["test"]["accuracy"] <= 1
    assert {path.name for path in run.path.iterdir()} == {
        "checkpoints", "config.json", "events.jsonl", "expected.json", "launch.json", "lock", "log.txt",
        "metrics.jsonl", "plan.json", "status.json", "tracked.jsonl", "tracked.png",
    }  # fmt: skip
    assert forecast.read(run).total_steps == 12
    assert Image.open(run.tracked_image_path).size == (8 * 8, 8)
    assert checkpoint.load_with_info("one")[0].config.num_classes == 3


TWO_STEPS = """
from resource import RUSAGE_SELF, getrusage

def step():
    return [b"x" * (16 << 20) for _ in range(12)]

step()
before = getrusage(RUSAGE_SELF).ru_minflt
step()
print(getrusage(RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_what_one_step_frees_is_there_for_the_next():
    """192 MB in pieces are 49,152 pages, which needn't be asked of the system again."""
    python = [sys.executable, "-c", TWO_STEPS]
    faults = subprocess.run(python, capture_output=True, env={**os.environ, **processes.ENVIRONMENT}).stdout
    assert int(faults) < 500


@pytest.mark.slow
def test_kill_9_at_any_time_loses_nothing_and_changes_nothing(home, folder):
    config = tiny_config(data__source=str(folder), train__steps=400, train__eval_every=40, train__optimizer="muon")
    whole = launch.launch(config, "whole")
    assert ended(whole) == "finished", whole.log_path.read_text()
    killed = launch.launch(config, "killed")
    for kill_after in (40, 200):
        wait_for(lambda target=kill_after: [s for s in killed.saved() if s.step >= target], killed)
        acknowledged = [saved.step for saved in killed.saved()]
        os.kill(worker_of(killed), signal.SIGKILL)
        assert ended(killed) == "interrupted"
        assert killed.saved()[-1].step >= max(acknowledged)
        checkpoint.load(killed.checkpoint_path("last"))  # whole, not torn
        launch.resume("killed")
    assert ended(killed) == "finished", killed.log_path.read_text()
    assert all(torch.equal(tensor, weights(killed)[name]) for name, tensor in weights(whole).items())
    steps = [row["step"] for row in read_metrics(killed) if "val_loss" in row]
    assert steps == list(range(40, 401, 40))


def worker_of(run) -> int:
    """Process id of the run's worker, from the operating system's own list."""
    import psutil

    return next(p.pid for p in psutil.process_iter(["cmdline"]) if str(run.path) in (p.info["cmdline"] or []))


def test_a_run_that_has_a_plan_has_its_tracked_images(home, folder, monkeypatch):
    """A worker that is killed in between makes both at its next start."""

    def killed(run, plan):
        assert run.tracked_image_path.exists()
        raise KeyboardInterrupt

    run = launch.create(tiny_config(data__source=str(folder)), "one")
    monkeypatch.setattr(worker, "write_plan", killed)
    with pytest.raises(KeyboardInterrupt):
        worker.work(run)


@pytest.mark.slow
def test_stop_saves_and_resume_goes_on(home, folder):
    run = launch.launch(tiny_config(data__source=str(folder), train__steps=300_000, train__eval_every=100_000), "one")
    wait_for(lambda: state_of(run).status.step > 0 or read_metrics(run), run)
    launch.command("one", "stop")
    assert ended(run) == "stopped"
    step = run.saved()[-1].step
    assert step == state_of(run).status.step
    assert 0 < step < 300_000
    with pytest.raises(RunError, match="nothing to stop"):
        launch.command("one", "stop")
    launch.resume("one")
    wait_for(lambda: state_of(run).status.step > step, run)
    os.kill(worker_of(run), signal.SIGTERM)
    assert ended(run) == "stopped"
    assert [line["kind"] for line in read_lines(run.events_path)].count("resumed") == 1


@pytest.mark.slow
def test_of_two_workers_at_once_one_trains(home, folder):
    config = tiny_config(data__source=str(folder), train__steps=300_000, train__eval_every=100_000)
    run = launch.create(config, "one")
    starter.start_worker(run, {})
    starter.start_worker(run, {})
    wait_for(lambda: read_metrics(run), run)
    launch.command("one", "stop")
    assert ended(run) == "stopped"
    assert read_json(run.status_path)["attempt"] == 1
    assert "another worker is already on one" in run.log_path.read_text()


@pytest.mark.slow
def test_a_data_set_that_changed_is_refused_on_resume(home, folder):
    run = launch.launch(tiny_config(data__source=str(folder), train__steps=300_000, train__eval_every=100_000), "one")
    wait_for(lambda: read_metrics(run), run)
    launch.command("one", "stop")
    assert ended(run) == "stopped"
    next((folder / "train" / "class-0").iterdir()).unlink()
    launch.resume("one")
    assert ended(run) == "failed"
    assert "has changed since this run began" in state_of(run).status.error.message


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda run: run.config_path.write_text("{"), "can't be read as a configuration"),
        pytest.param(
            lambda run: edit(run, "data", "source", "/nowhere"), "There is no data set", marks=pytest.mark.slow
        ),
        pytest.param(lambda run: edit(run, "train", "batch_size", 90), "use at most 84", marks=pytest.mark.slow),
        pytest.param(
            lambda run: edit(run, "train", "lr", 10.0, optimizer="sgd", grad_clip=0.0, steps=2000),
            "learning rate ten times smaller",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_failure_is_a_sentence_in_the_closing_record(home, folder, spoil, words):
    run = launch.create(tiny_config(data__source=str(folder)), "one")
    spoil(run)
    launch.start(run)
    assert ended(run) == "failed"
    assert words in state_of(run).status.error.message


def edit(run, section: str, name: str, value, **more) -> None:
    raw = json.loads(run.config_path.read_text())
    raw[section] |= {name: value, **more}
    run.config_path.write_text(json.dumps(raw))


@pytest.mark.slow
def test_the_worker_runs_where_streamlit_is_not_installed(home):
    code = (
        "import sys; sys.modules['streamlit'] = None\n"
        "import vit.__main__, vit.training.worker, vit.cli.predict, vit.explain.attention, vit.predict, vit.export.timm"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_a_run_that_goes_on_under_another_torch_says_so(home, folder):
    run = launch.launch(tiny_config(data__source=str(folder), train__steps=300_000, train__eval_every=100_000), "one")
    wait_for(lambda: read_metrics(run), run)
    launch.command("one", "stop")
    assert ended(run) == "stopped"
    plan = json.loads(run.plan_path.read_text())
    run.plan_path.write_text(json.dumps(plan | {"torch": "1.0", "total_steps": state_of(run).status.step + 1}))
    launch.resume("one")
    assert ended(run) == "finished"
    warnings = [line["text"] for line in read_lines(run.events_path) if line["kind"] == "warning"]
    assert len(warnings) == 1
    assert "torch 1.0, now" in warnings[0]


def test_a_speed_is_remembered_after_ten_seconds_of_training_and_not_after_a_glimpse(home, data):
    config = tiny_config()
    run, _, _, plan = run_training(config, data, "one")
    validations = [(0.5, 0.1), (0.25, 0.3), (0.1, 0.2)]
    worker.remember_speed(run, config, plan, validations, seconds=9.9)
    assert speed.remembered(config) is None
    worker.remember_speed(run, config, plan, validations, seconds=10.0, preparation=7.0)
    measured = [row["images_per_second"] for row in read_metrics(run) if "images_per_second" in row]
    known = speed.remembered(config)
    assert (known.training, known.validation) == (statistics.median(measured), 12 / 0.25)
    assert (known.saving, known.preparation, known.measuring) == (0.2, 7.0, None)
