"""The command line as a person's script uses it: a real process, with a home of its own and tiny models."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from vit import paths
from vit.runs.directory import Run

TIMEOUT = 120  # seconds; a busy machine needs 10 to import torch alone
TINY = {
    "model.image_size": 8,
    "model.embed_dim": 16,
    "model.depth": 2,
    "model.num_heads": 2,
    "data.val_size": 6,
    "augment.crop_padding": 1,
    "train.batch_size": 16,
    "train.eval_every": 1000,
    "train.threads": 1,
    "train.device": "cpu",
}


@dataclass(frozen=True)
class Shell:
    """A shell whose ``VIT_HOME`` is a folder of the test's own."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "VIT_HOME": str(self.home), "OMP_NUM_THREADS": "1"}

    def start(self, *words, **options) -> subprocess.Popen:
        command = [sys.executable, "-m", "vit", *map(str, words)]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        options = {"preexec_fn": _take_interrupts, **streams, **options}
        return subprocess.Popen(command, cwd=paths.PROJECT, env=self.environment, **options)

    def __call__(self, *words) -> subprocess.CompletedProcess:
        with self.start(*words) as process:
            out, err = process.communicate(timeout=TIMEOUT)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def text(self, *words) -> str:
        done = self(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words):
        """The one value on stdout; anything beside it would not parse."""
        return json.loads(self.text(*words, "--json"))

    def run(self, run_id: str) -> Run:
        return Run(self.home / "checkpoints" / run_id)


def _take_interrupts() -> None:
    """A program ignores Ctrl-C if the one that starts it does, as the tests do in the background of a shell."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def settings(**changes) -> list[str]:
    """``--set`` options of a tiny model; keywords have ``__`` for the dot."""
    dotted = {name.replace("__", "."): value for name, value in changes.items()}
    return [word for name, value in (TINY | dotted).items() for word in ("--set", f"{name}={value}")]


def wait_until(condition) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
