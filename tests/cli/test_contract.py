"""The command line as a person's script uses it: real processes, one JSON value on stdout, one line for a mistake."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from PIL import Image
from safetensors import safe_open
from shells import TIMEOUT, settings, wait_until

from vit.__main__ import build_parser
from vit.checkpoint import load_model
from vit.runs.directory import read_lines
from vit.runs.status import read_status, state_of

CONTRACT = """
train --preset tutorial --data shapes --init other --set model.embed_dim=64 --set train.lr=1e-3 --epochs 5 --run one
train --data ~/images --steps 100 --follow
train --data cifar10 --minutes 10
resume one
stop one
runs
runs --json
doctor one
doctor one --json
runs rename one two
runs note one
runs note one text --tags a,b
runs delete one
runs deleted
runs restore one
runs export one --out one.tar
runs import one.tar
evaluate one --data shapes
evaluate one --data shapes --split test --json
evaluate one --data shapes --tta
predict one a.png b.png --top 5 --json
explain one a.png --out map.png
explain one a.png --method rollout --target cat --out map.png
explain one a.png --method occlusion --target cat --against dog --out map.png
data list
data fetch cifar10
data import ~/images --name pets
export one --format timm --out timm.safetensors
"""


@pytest.fixture
def busy(shell) -> Iterator[FileLock]:
    """A machine on which another run computes until the lock is released."""
    (shell.home / "checkpoints").mkdir(exist_ok=True)
    with FileLock(shell.home / "checkpoints" / ".machine.lock") as lock:
        yield lock


@pytest.mark.parametrize("line", CONTRACT.strip().splitlines())
def test_scripts_that_were_written_once_go_on_working(line):
    assert build_parser().parse_args(line.split()).func


@pytest.mark.parametrize("command", "train resume stop runs doctor evaluate predict explain data export".split())
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args([command, "--help"])
    assert ended.value.code == 0
    assert f"python -m vit {command}" in capsys.readouterr().out


def test_training_prints_the_runs_name_alone_and_its_progress_beside(trained):
    assert trained.returncode == 0, trained.stderr
    assert trained.stdout == "base\n"
    assert "Finished at step 3." in trained.stderr
    assert re.search(r"100%.* 3/3 .*steps.*finished, epoch", trained.stderr.splitlines()[-1])


def test_runs_are_a_list_with_state_and_figures(shell, trained):
    entry = next(entry for entry in shell.json("runs") if entry["id"] == "base")
    assert (entry["state"], entry["step"]) == ("finished", 3)
    assert 0 < entry["epoch"] < 1
    assert 0 <= entry["best_val_accuracy"] <= 1
    assert "base" in shell.text("runs")


def test_fine_tuning_tells_what_was_loaded_resized_and_new(tuned):
    text = next(event["text"] for event in read_lines(tuned.events_path) if event["kind"] == "transferred")
    assert "tensors loaded" in text
    assert "resized: pos_embed 2x2 to 3x3" in text
    assert "new: head.weight, head.bias" in text


def test_a_trained_start_is_judged_before_its_first_step_and_random_weights_are_not(tuned, shell):
    judged = [event["text"] for event in read_lines(tuned.events_path) if event["kind"] == "judged"]
    before = read_status(tuned).first_val_accuracy
    assert judged == [f"Before the first step: {before:.1%} val accuracy."]
    assert read_status(shell.run("base")).first_val_accuracy is None


def test_an_evaluation_is_accuracy_loss_and_count(here, tuned, images):
    figures = json.loads(here("evaluate", "tuned", "--data", images, "--json"))
    assert set(figures) >= {"accuracy", "loss", "images"}
    assert 0 <= figures["accuracy"] <= 1
    assert figures["images"] == 12


def test_one_bad_file_among_good_ones_is_answered_in_its_place(shell, tuned, images, tmp_path):
    good, bad = images / "test" / "red" / "0.png", tmp_path / "bäd.png"
    bad.write_bytes(b"not an image")
    first, second, third = shell.json("predict", tuned.checkpoint_path(), good, bad, good, "--top", 2)
    assert first == third
    assert first["image"] == str(good)
    assert [set(pair) for pair in first["predictions"]] == [{"class", "probability"}] * 2
    assert {pair["class"] for pair in first["predictions"]} < {"blue", "green", "red"}
    assert second["image"] == str(bad)
    assert "not an image" in second["error"]


def test_an_explanation_is_written_as_png(here, tuned, images, tmp_path):
    image = images / "test" / "red" / "0.png"
    said = here("explain", "tuned", image, "--method", "rollout", "--out", tmp_path / "map.png")
    assert str(tmp_path / "map.png") in said
    assert Image.open(tmp_path / "map.png").format == "PNG"


def test_an_export_loads_into_timm_strictly(here, tuned, tmp_path):
    timm = pytest.importorskip("timm", reason="timm is not installed")
    out = tmp_path / "timm.safetensors"
    here("export", "tuned", "--format", "timm", "--out", out)
    with safe_open(out, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dictionary
        arguments = json.loads(file.metadata()["timm"])
    theirs = timm.models.VisionTransformer(**arguments).eval()
    theirs.load_state_dict(weights, strict=True)
    ours = load_model(tuned.checkpoint_path("best"))
    images = torch.rand(4, 3, *[ours.config.image_size] * 2)
    torch.testing.assert_close(theirs(images), ours(images))


@pytest.mark.slow
def test_a_run_can_be_stopped_in_line_and_at_work_and_watching_does_not_hold_it(shell, busy, images):
    words = ["--preset", "tutorial", "--data", images, *settings(), "--steps", 10**6, "--run", "long"]
    run = shell.run("long")
    assert shell.text("train", *words) == "long\n"
    assert state_of(run).state == "queued"
    assert shell.text("stop", "long") == "stopped at step 0\n"
    busy.release()
    watcher = shell.start("resume", "long", "--follow")
    wait_until(lambda: run.metrics_path.is_file() and read_lines(run.metrics_path)[1:])
    watcher.send_signal(signal.SIGINT)
    _, said = watcher.communicate(timeout=TIMEOUT)
    assert watcher.returncode == 130
    assert (
        "'python -m vit stop long' ends it, 'python -m vit resume long --follow' continues it" in said.splitlines()[-1]
    )
    assert state_of(run).state == "running"
    step = int(shell.text("stop", "long").removeprefix("stopped at step ").replace(",", ""))
    assert step == run.saved()[-1].step > 0
    assert state_of(run).state == "stopped"


def test_a_prepared_run_waits_for_torchrun(shell):
    path = Path(shell.text("train", "--preset", "tutorial", "--data", "shapes", "--run", "ready", "--prepare").strip())
    assert json.loads((path / "config.json").read_text())["preset"] == "tutorial"
    assert (path / "log.txt").exists() is False


def test_data_are_imported_and_listed(shell, images):
    assert "3 classes, 36 train, 12 test" in shell.text("data", "import", images, "--name", "colors")
    listed = {info["name"]: info for info in shell.json("data", "list")}
    assert listed.keys() == {"shapes", "colors"}
    assert listed["colors"]["classes"] == ["blue", "green", "red"]
