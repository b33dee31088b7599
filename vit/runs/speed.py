"""Training speed of a configuration on this machine: measured once, then remembered."""

import hashlib
import json
from pathlib import Path

from filelock import FileLock

from vit import files, jobs, paths
from vit.config import RunConfig
from vit.runs.directory import read_json

DECISIVE = ("batch_size", "optimizer", "device", "threads", "processes", "precision", "compile")


def remembered(config: RunConfig) -> float | None:
    """Images per second that training this configuration reached on this machine, or None."""
    return (read_json(_memory()) or {}).get(key(config))


def remember(config: RunConfig, images_per_second: float) -> None:
    """Keep a measured speed for the next time."""
    path = _memory()
    files.make_folder(path.parent)
    with FileLock(f"{path}.lock"):
        files.write_json(path, {**(read_json(path) or {}), key(config): images_per_second})


def measure(config: RunConfig) -> None:
    """Start measuring as a background job unless it runs already; ``remembered`` returns the result."""
    if is_measuring(config):
        return
    request = jobs.folder() / f"{_job(config)}.config"
    files.make_folder(jobs.folder())
    files.write_json(request, config.to_json())
    jobs.start("measure", _job(config), "vit.training.planning", str(request))


def is_measuring(config: RunConfig) -> bool:
    """Whether a job measures this configuration now."""
    return jobs.is_running(_job(config))


def _job(config: RunConfig) -> str:
    return f"measure-{key(config)}"


def key(config: RunConfig) -> str:
    """What the speed depends on, as a short name."""
    sections = {name: getattr(config, name).model_dump(mode="json") for name in ("model", "augment")}
    decisive = sections | {"train": {name: getattr(config.train, name) for name in DECISIVE}}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


def _memory() -> Path:
    return paths.home() / ".speed.json"
