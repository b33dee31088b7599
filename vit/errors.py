"""The mistakes a person can act on. ``str(error)`` is a sentence fit to be shown to them."""

from dataclasses import dataclass

from vit import paths


class VitError(ValueError):
    """Base of every error whose text is meant for the person who caused it."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one setting."""

    field: str  # dotted name such as ``model.patch_size``
    value: object  # the offending value
    message: str  # what is wrong and what would be right
    remedy: object = None  # a value that would work, if there is an obvious one; pages offer it as a button

    def __str__(self) -> str:
        return f"{self.field}={self.value}: {self.message}"


class ConfigError(VitError):
    """A configuration that can't work; carries every problem at once."""

    def __init__(self, problems: list[Problem]):
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class DataError(VitError):
    """A data set that is missing, damaged or not what it should be."""


class ImageError(VitError):
    """An image that can't be shown to a model."""


class RunError(VitError):
    """A run directory that is missing, damaged or in the wrong state for what was asked."""


class SweepError(VitError):
    """A sweep or a question that is missing, or can't be asked like that."""


class JobError(VitError):
    """A background job that can't be started."""


class EvaluationError(VitError):
    """An evaluation that is missing or damaged."""


class CheckpointError(VitError):
    """A checkpoint that is missing, damaged or doesn't fit."""


def refused(error: OSError) -> str:
    """What the operating system refused, as a sentence: a full disk, a folder that isn't writable."""
    reason = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    if str(error.filename).startswith(str(paths.home())):
        reason += f". Runs and data are kept in {paths.home()}; VIT_HOME moves them"
    return reason
