"""A click is answered soon: little garbage to search, and no thread that holds a core while it waits."""

import gc
import os
import subprocess
import sys
from pathlib import Path

from worlds import saved, written_run

from pages.shared import models


def test_what_torch_brings_along_is_not_searched_for_garbage_after_every_click():
    saved(written_run("wise-wolf"), 1000)
    models.predictor("wise-wolf")
    assert gc.get_freeze_count() > 50_000
    assert len(gc.get_objects()) < gc.get_freeze_count()


def test_garbage_is_looked_for_once_the_server_has_settled():
    code = "import gc; from pages.shared import server; was = gc.isenabled(); server.settle('test');"
    assert said(code + "print(was, gc.isenabled())") == ["False", "True"]


def test_tables_are_loaded_while_nobody_waits_for_them(home):
    code = "import sys, threading; from pages.shared import server; server.WARM_UP_SECONDS = 0.0; import app;"
    code += "[one.join() for one in threading.enumerate() if one.name == 'warm-up'];"
    code += "import gc; print('pandas' in sys.modules, 'torch' in sys.modules, gc.get_freeze_count() > 50_000)"
    assert said(code) == ["True", "False", "True"]


def test_threads_that_wait_sleep_unless_somebody_says_otherwise():
    code = "import os, sys, pages.shared.server; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    for given, expected in ({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"):
        environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | given
        assert said(code, environment) == [expected, "False"]


def said(code: str, environment: dict[str, str] | None = None) -> list[str]:
    """The words that a fresh process prints."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()
