"""Where things live. ``VIT_HOME`` moves a person's runs and data; what is shipped stays where it is.

A checkout is its own home. An installed package, whose folder belongs to pip, keeps runs and data in ``~/.vit-lab``.
"""

import os
import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
PROJECT = PACKAGE.parent
# What a run or a data set may be called: a plain folder on every system. Windows keeps some names for devices, and
# drops a dot at the end.
NAME = re.compile(r"(?!(con|prn|aux|nul|com\d|lpt\d)(\.|$))[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9_-])?")


def is_checkout() -> bool:
    """Whether this package runs from the project's folder rather than from where pip has installed it."""
    return (PROJECT / "pyproject.toml").is_file()


def home() -> Path:
    """The folder that holds a person's runs and data."""
    default = PROJECT if is_checkout() else "~/.vit-lab"
    return Path(os.environ.get("VIT_HOME") or default).expanduser().resolve()


def runs_root() -> Path:
    """One folder per run."""
    return home() / "checkpoints"


def machine_lock() -> Path:
    """Held by what computes on this machine, or on the GPUs that this process was given."""
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "").replace(",", "-")
    return runs_root() / (f".machine-{gpus}.lock" if gpus not in ("", "0") else ".machine.lock")


def data_root() -> Path:
    """One folder per imported data set."""
    return home() / "data"


def pinned_root() -> Path:
    """The images that a person has pinned, one file each."""
    return home() / "pictures"


def sweeps_root() -> Path:
    """One folder per sweep."""
    return home() / "sweeps"


def questions_root() -> Path:
    """The answers to questions, two files each."""
    return home() / "questions"


def lessons_root() -> Path:
    """What readers of the lessons have answered, one file each."""
    return home() / "lessons"


def weights_root() -> Path:
    """Weights of other projects that a person has taken over to start from, one file each."""
    return home() / "weights"


def evaluations_root() -> Path:
    """Evaluations of models that are no run: shipped ones and files. Those of a run are kept with it."""
    return home() / ".evaluations"


def nearest_root() -> Path:
    """Features of training images, one file for each model that was asked for the nearest ones."""
    return home() / ".nearest"


def pretrained_root() -> Path:
    """The shipped models, one folder each."""
    return PROJECT / "checkpoints" / "pretrained" if is_checkout() else PACKAGE / "pretrained"
