"""Where things live. ``VIT_HOME`` moves a person's runs and data; what is shipped stays in the project."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """The folder that holds a person's runs and data: ``VIT_HOME``, or the project itself."""
    return Path(os.environ.get("VIT_HOME") or PROJECT).expanduser().resolve()


def runs_root() -> Path:
    """One folder per run."""
    return home() / "checkpoints"


def data_root() -> Path:
    """One folder per imported data set."""
    return home() / "data"


def pictures_root() -> Path:
    """The pictures that a person has pinned, one file each."""
    return home() / "pictures"


def pretrained_root() -> Path:
    """The shipped models, one folder each."""
    return PROJECT / "checkpoints" / "pretrained"
