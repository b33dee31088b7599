"""What every test may rely on: a home of its own, one thread unless asked, and a torchvision that can be imported."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch
from hypothesis import HealthCheck, settings

from bench.torchvision_compat import prepare_torchvision
from vit.runs import queue

# Processes that tests start share two cores with other tests: threads that wait must not keep a core busy.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
prepare_torchvision()
torch.set_num_threads(int(os.environ.get("VIT_TEST_THREADS", "1")))
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """Workers share the tests; those in the browser stay with one of them: two browsers at once took a minute more."""
    for item in items:
        if Path(__file__).parent / "browser" in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that stands for a person's runs and data."""
    monkeypatch.setenv("VIT_HOME", str(tmp_path))
    yield tmp_path
    _, left = psutil.wait_procs([process for process in psutil.process_iter() if works_in(process, tmp_path)], 5)
    commands = [process.cmdline() for process in left]
    for process in left:
        process.kill()
    assert not commands, "the test leaves processes behind, which take the cores from other tests"


@pytest.fixture
def unstarted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that are launched wait; no process starts them."""
    monkeypatch.setattr(queue, "start_starter", lambda: None)


def works_in(process: psutil.Process, home: Path) -> bool:
    """Whether it was started for that home and is at work; multiprocessing's own helpers serve other tests, too."""
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        is_helper = any("multiprocessing" in word for word in process.cmdline())
        return not is_helper and process.environ().get("VIT_HOME") == str(home)
    except psutil.Error:
        return False


@pytest.fixture(autouse=True)
def subnormal_numbers():
    """A test that trains in this process lets the processor flush them to zero; the next test has them again."""
    yield
    torch.set_flush_denormal(False)
