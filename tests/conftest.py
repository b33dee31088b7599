"""What every test may rely on: a home of its own, one thread unless asked, and a torchvision that can be imported."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

from bench.torchvision_compat import prepare_torchvision

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
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that stands for a person's runs and data."""
    monkeypatch.setenv("VIT_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def subnormal_numbers():
    """A test that trains in this process lets the processor flush them to zero; the next test has them again."""
    yield
    torch.set_flush_denormal(False)
