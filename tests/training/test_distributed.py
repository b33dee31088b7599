"""Several processes train as one: the same losses, every image once, and nobody's death ends the run."""

import os
import signal
import subprocess
import sys
import time
import warnings

import psutil
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from tests.training.conftest import CPU, TIMEOUT, ended, striped_images, tiny_config, wait_for, weights
from vit import processes
from vit.data.load import Dataset
from vit.runs import launch
from vit.runs.directory import read_json, read_lines
from vit.runs.metrics import read_metrics
from vit.runs.status import state_of
from vit.training import distributed, planning
from vit.training.batches import prepare
from vit.training.loop import running_statistics, train_step, trainable
from vit.training.state import new_state

STEPS = 20
MIXED = {"augment__mixup_alpha": 0.4, "augment__cutmix_alpha": 0.4, "augment__random_erasing": 0.3}
HYBRID = {"model__stem": "conv", "model__patch_size": 4, "model__embed_dim": 256}
LONG = {"train__steps": 400, "train__eval_every": 40, "train__optimizer": "muon", "train__processes": 2}

ORPHAN_SECONDS = 2 if sys.platform == "linux" else TIMEOUT  # elsewhere they notice between two steps


def steps(config) -> tuple[list[float], list[torch.Tensor]]:
    """Train some steps in this process: the losses, and this process's images of every step."""
    torch.set_num_threads(1)
    data = prepare(Dataset("striped", ("a", "b", "c"), striped_images(96, 0), None, "fingerprint"), config, CPU)
    session = new_state(config, CPU)
    forward, losses, images = trainable(session, config.train), [], []
    for step in range(STEPS):
        batch = data.batch(step, config)
        images.append(batch[0])
        losses.append(train_step(forward, session, batch, config.train, 1e-2, "fp32").loss.item())
    return losses, images


def member(rank: int, size: int, meeting, config) -> None:
    warnings.simplefilter("error")  # they would be in every run's log
    dist.init_process_group("gloo", init_method=f"file://{meeting}/meet", rank=rank, world_size=size)
    torch.save(steps(config), meeting / f"{rank}.pt")
    distributed.leave()


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        {"train__optimizer": "muon"},
        {"train__optimizer": "muon", "train__batch_size": 64, **HYBRID},
        {"train__ema_decay": 0.9, **MIXED},
    ],
)
def test_two_processes_follow_one_with_the_same_global_batch(tmp_path, more):
    config = tiny_config(**more)
    alone, whole = steps(config)
    mp.spawn(member, (2, tmp_path, config), nprocs=2)
    (first, one), (second, two) = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert first == second
    assert first == pytest.approx(alone, abs=1e-5)
    assert all(torch.equal(torch.cat(halves), batch) for *halves, batch in zip(one, two, whole, strict=True))


def statistics(config) -> list[torch.Tensor]:
    """What batch norms remember after one step of this process."""
    data = prepare(Dataset("striped", ("a", "b", "c"), striped_images(96, 0), None, "fingerprint"), config, CPU)
    session = new_state(config, CPU)
    train_step(trainable(session, config.train), session, data.batch(0, config), config.train, 1e-2, "fp32")
    return running_statistics(session.network)


def counting_member(rank: int, size: int, meeting, config) -> None:
    dist.init_process_group("gloo", init_method=f"file://{meeting}/meet", rank=rank, world_size=size)
    torch.save(statistics(config), meeting / f"{rank}.pt")
    distributed.leave()


@pytest.mark.slow
def test_what_batch_norms_remember_is_of_the_whole_batch(tmp_path):
    """The mean of both halves is that of all; of the variances only behind the first layer it nearly is."""
    config = tiny_config(model__stem="resnet", model__patch_size=4)
    alone = statistics(config)
    mp.spawn(counting_member, (2, tmp_path, config), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    torch.testing.assert_close(first[0], alone[0])
    torch.testing.assert_close(first[1], alone[1], rtol=0.02, atol=0)
    assert not torch.equal(alone[0], torch.zeros_like(alone[0]))


def test_an_epoch_shows_every_image_once(tmp_path):
    config = tiny_config(augment__crop_padding=0, augment__flip="none")
    _, batches = steps(config)
    per_epoch = 84 // config.train.batch_size
    for epoch in range(3):
        shown = torch.cat(batches[epoch * per_epoch : (epoch + 1) * per_epoch])
        assert len(shown.unique(dim=0)) == len(shown) == per_epoch * config.train.batch_size


def members(run) -> list[psutil.Process]:
    """The processes of a team, rank 0 first; their supervisor is not among them."""
    workers = [p for p in psutil.process_iter(["cmdline"]) if str(run.path) in (p.info["cmdline"] or [])]
    ranks = {int(p.environ()["RANK"]): p for p in workers if "RANK" in p.environ()}
    return [ranks[rank] for rank in sorted(ranks)]


def is_at_work(process: psutil.Process) -> bool:
    """Whether a process runs; one that has ended may stay as a zombie where nobody waits for orphans."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def supervisor(run) -> psutil.Process:
    return members(run)[0].parent()


@pytest.fixture
def team_run(home, folder):
    def launched(run_id: str, **more):
        return launch.launch(tiny_config(data__source=str(folder), **(LONG | more)), run_id)

    return launched


def test_a_process_that_aborts_while_its_interpreter_cleans_up_does_not_start_the_team_again(
    team_run, tmp_path, monkeypatch
):
    """Threads of gloo can still run then, and one of them aborts the process."""
    (tmp_path / "sitecustomize.py").write_text(
        'import atexit, os\nif "RANK" in os.environ:\n    atexit.register(os.abort)\n'
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = team_run("whole", train__steps=4, train__eval_every=2)
    assert ended(run) == "finished", run.log_path.read_text()
    assert "resumed" not in [line["kind"] for line in read_lines(run.events_path)]


@pytest.mark.slow
def test_a_killed_process_is_replaced_and_the_result_is_the_same(team_run):
    whole = team_run("whole")
    assert ended(whole) == "finished", whole.log_path.read_text()
    for rank in (0, 1):
        broken = team_run(f"broken-{rank}")
        wait_for(lambda broken=broken: [saved for saved in broken.saved() if saved.step >= 80], broken)
        members(broken)[rank].send_signal(signal.SIGKILL)
        assert ended(broken) == "finished", broken.log_path.read_text()
        assert all(torch.equal(tensor, weights(broken)[name]) for name, tensor in weights(whole).items())
        assert [line["kind"] for line in read_lines(broken.events_path)].count("resumed") == 1
        assert [row["step"] for row in read_metrics(broken) if "val_loss" in row] == list(range(40, 401, 40))


@pytest.mark.slow
def test_new_processes_never_meet_at_the_address_of_dead_ones(monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    distributed.launch("tests.training.leftover", "", 1)


@pytest.mark.slow
def test_stop_and_resume_work_as_with_one_process(team_run):
    run = team_run("one", train__steps=20_000, train__eval_every=1000)
    wait_for(lambda: state_of(run).status.step > 0, run)
    launch.command("one", "stop")
    assert ended(run) == "stopped"
    step = run.saved()[-1].step
    launch.resume("one")
    wait_for(lambda: state_of(run).status.step > step, run)
    supervisor(run).send_signal(signal.SIGTERM)
    assert ended(run) == "stopped"
    assert run.saved()[-1].step == state_of(run).status.step > step
    assert read_json(run.status_path)["attempt"] == 2


@pytest.mark.slow
def test_a_team_without_its_supervisor_ends(team_run):
    run = team_run("one", train__steps=100_000, train__eval_every=1000)
    wait_for(lambda: state_of(run).status.step > 0, run)
    orphans = members(run)
    supervisor(run).kill()
    deadline = time.monotonic() + ORPHAN_SECONDS
    while any(map(is_at_work, orphans)) or state_of(run).state != "interrupted":
        assert time.monotonic() < deadline, (orphans, state_of(run).state)
        time.sleep(0.02)


def test_who_has_lost_its_supervisor_writes_nothing_on_its_way_out(home, folder):
    run = launch.create(tiny_config(data__source=str(folder)), "one")
    orphan = f"""
from pathlib import Path
from vit.runs.directory import Run
from vit.training.recorder import Recorder
try:
    Recorder(Run(Path({str(run.path)!r}))).take_command()
finally:
    print("closing")
"""
    environment = {**os.environ, distributed.SUPERVISOR: "0"}
    ended = subprocess.run([sys.executable, "-c", orphan], env=environment, capture_output=True, text=True)
    assert ended.returncode
    assert ended.stdout == "the supervisor of this process is gone\n"


@pytest.mark.slow
def test_a_failure_that_would_come_again_is_told_once(team_run):
    run = team_run("one", train__lr=10.0, train__optimizer="sgd", train__grad_clip=0.0, train__steps=2000)
    assert ended(run) == "failed"
    assert "learning rate ten times smaller" in state_of(run).status.error.message
    assert [line["kind"] for line in read_lines(run.events_path)].count("failed") == 1


@pytest.mark.slow
def test_the_documented_torchrun_line_trains_a_run(home, folder):
    run = launch.create(tiny_config(data__source=str(folder), **LONG), "one")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run(
        [*torchrun, "-m", "vit.training", str(run.path)], check=True, env={**os.environ, **processes.ENVIRONMENT}
    )
    assert state_of(run).state == "finished"
    assert read_json(run.plan_path)["processes"] == 2


def chooser(rank: int, size: int, meeting, config) -> None:
    """Measure with steps that take their time: the faster, the fewer processes or the more."""
    dist.init_process_group("gloo", init_method=f"file://{meeting}/meet", rank=rank, world_size=size)
    data = prepare(Dataset("striped", ("a", "b", "c"), striped_images(96, 0), None, "fingerprint"), config, CPU)
    chosen = []
    for cost_together, cost_alone in ((0.001, 0.1), (0.1, 0.001)):
        planning.seconds_per_step = lambda *_, t=cost_together, a=cost_alone: t if distributed.world_size() > 1 else a
        chosen.append(planning.fastest(config, data, "fp32"))
    torch.save(chosen, meeting / f"{rank}.pt")
    distributed.leave()


@pytest.mark.slow
def test_all_processes_choose_alike_whichever_is_faster(tmp_path):
    mp.spawn(chooser, (2, tmp_path, tiny_config(train__threads=0)), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=False) for rank in range(2))
    assert first == second
    assert [found.processes for found in first] == [2, 1]


@pytest.mark.slow
def test_a_measured_choice_is_kept(home, folder):
    config = tiny_config(data__source=str(folder), train__threads=0, train__minutes=0.1, train__steps=None)
    run = launch.launch(config, "one")
    assert ended(run) == "finished", run.log_path.read_text()
    plan = read_json(run.plan_path)
    assert plan["processes"] * plan["threads"] in (1, len(os.sched_getaffinity(0)))
    assert "Measured" in run.events_path.read_text()
