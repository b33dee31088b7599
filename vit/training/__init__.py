"""The trainer: plain functions as verbs, a loop that fits one screen, and the worker process."""
