"""The pages' old name for ``vit.text``."""

from vit.text import clock, compact, counted, duration, number, percent

__all__ = ["clock", "compact", "counted", "duration", "number", "percent"]
