"""How fast this machine trains a configuration: measured once, remembered, told at once from then on."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from vit import files, paths
from vit.config import RunConfig
from vit.runs import lock
from vit.runs.directory import read_json
from vit.runs.launch import ENVIRONMENT

DECISIVE = ("batch_size", "optimizer", "device", "threads", "processes", "precision", "compile")


def remembered(config: RunConfig) -> float | None:
    """Images per second that training this configuration reached on this machine, or None."""
    return (read_json(_memory()) or {}).get(key(config))


def remember(config: RunConfig, images_per_second: float) -> None:
    """Keep a measured speed for the next time."""
    path = _memory()
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        files.write_json(path, {**(read_json(path) or {}), key(config): images_per_second})


def measure(config: RunConfig) -> None:
    """Start measuring in a process of its own, unless that is already under way; ``remembered`` tells the result."""
    if is_measuring(config):
        return
    folder = paths.home() / ".measuring"
    folder.mkdir(parents=True, exist_ok=True)
    request = folder / f"{key(config)}.json"
    files.write_json(request, config.to_json())
    with open(folder / "log.txt", "ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "vit.training.speed", str(request)],
            cwd=paths.PROJECT,
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def is_measuring(config: RunConfig) -> bool:
    """Whether a process is measuring this configuration right now."""
    return lock.is_held(paths.home() / ".measuring" / f"{key(config)}.lock")


def key(config: RunConfig) -> str:
    """What the speed depends on, as a short name."""
    train = {name: getattr(config.train, name) for name in DECISIVE}
    decisive = {
        "model": config.model.model_dump(mode="json"),
        "augment": config.augment.model_dump(mode="json"),
        "train": train,
    }
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


def _memory() -> Path:
    return paths.home() / ".speed.json"
