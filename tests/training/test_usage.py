"""What a run takes of the machine is what the operating system says of all its processes."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from vit.training.usage import Usage

BUSY = "import time\nend = time.monotonic() + 20\nprint('ready', flush=True)\nwhile time.monotonic() < end: pass"


def test_a_process_that_waits_takes_no_processor_and_its_memory():
    usage = Usage()
    time.sleep(0.2)
    found = usage.read()
    assert found.keys() == {"cpu_percent", "memory_bytes"}
    assert found["cpu_percent"] < 50
    assert found["memory_bytes"] >= 0.9 * psutil.Process().memory_info().rss


def test_the_work_of_other_processes_of_the_run_counts(monkeypatch):
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout
            child.stdout.readline()
            usage = Usage()
            before, start = sum(psutil.Process(child.pid).cpu_times()[:2]), time.perf_counter()
            time.sleep(0.5)
            spent = sum(psutil.Process(child.pid).cpu_times()[:2]) - before
            expected = 100 * spent / (time.perf_counter() - start)
            assert usage.read()["cpu_percent"] == pytest.approx(expected, rel=0.2, abs=10)  # the clock ticks at 100 Hz
        finally:
            child.kill()


def test_a_process_that_has_ended_is_left_out():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        usage = Usage()
        child.communicate(b"\n")
    assert usage.read()["memory_bytes"] > 0


def test_a_rank_counts_those_beside_it(monkeypatch):
    monkeypatch.setenv("RANK", "0")
    parent = psutil.Process(os.getppid()).memory_info().rss
    assert Usage().read()["memory_bytes"] >= 0.9 * (psutil.Process().memory_info().rss + parent)
