"""Fixtures of other folders that faults are tested with."""

from tests.training.conftest import folder  # noqa: F401
