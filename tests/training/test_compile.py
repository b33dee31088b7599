"""torch.compile: the same training, with its cost told apart; and training goes on where torch can't compile."""

import shutil
import time

import pytest
import torch

from tests.training.conftest import TIMEOUT, ended, tiny_config, weights
from vit.runs import launch, speed
from vit.runs.directory import read_lines
from vit.runs.metrics import curve, read_metrics


def train(run_id: str, folder, **more):
    run = launch.launch(tiny_config(data__source=str(folder), **more), run_id)
    assert ended(run) == "finished", run.log_path.read_text()
    return run, [(line["kind"], line["text"]) for line in read_lines(run.events_path)]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for a CPU with g++")
def test_a_compiled_run_follows_the_uncompiled_one_and_tells_what_compiling_took(home, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    fp32 = {"train__precision": "fp32"}  # bfloat16 is rounded elsewhere in a fused operation
    plain, _ = train("plain", folder, **fp32)
    compiled, events = train("compiled", folder, train__compile=True, **fp32)
    for name, tensor in weights(plain).items():
        torch.testing.assert_close(weights(compiled)[name], tensor, rtol=1e-3, atol=1e-4)
    assert next(text for kind, text in events if kind == "compiled").startswith("Compiling took ")
    assert min(curve(read_metrics(compiled), "images_per_second")[1]) > 100  # 16 images and seconds of compiling: < 10


@pytest.fixture
def no_compiler(tmp_path, monkeypatch) -> None:
    """For the processes that are started."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))  # nothing compiled before
    monkeypatch.setenv("CXX", str(tmp_path / "no-compiler"))


@pytest.mark.slow
def test_a_run_goes_on_uncompiled_and_says_so_where_torch_cannot_compile(home, folder, no_compiler):
    _, events = train("one", folder, train__compile=True)
    warnings = [text for kind, text in events if kind == "warning"]
    assert len(warnings) == 1
    assert "continues without torch.compile" in warnings[0]
    assert "No working C++ compiler found" in warnings[0]


@pytest.mark.slow
def test_the_form_still_learns_how_fast_such_a_machine_is(home, no_compiler):
    config = tiny_config(train__compile=True)
    speed.measure(config)
    deadline = time.monotonic() + TIMEOUT
    while speed.is_measuring(config):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert speed.remembered(config).training > 0
