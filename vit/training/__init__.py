"""The trainer: plain functions for its verbs, a loop that fits one screen, and the worker process."""
